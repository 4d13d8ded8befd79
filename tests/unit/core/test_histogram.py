from cloudchat.core.histogram import BOUNDS, Histogram
from cloudchat.core.timestamps import instant_of, rfc3339


def test_each_duration_is_counted_once_in_the_first_bound_that_holds_it():
    histogram = Histogram()
    for seconds in (0.0, BOUNDS[0], BOUNDS[0] * 1.01, 1e9, -1.0):
        histogram.observe(seconds)
    assert histogram.counts == [3, 1, *[0] * (len(BOUNDS) - 2), 1]
    assert histogram.total == BOUNDS[0] * 2.01 + 1e9


def test_an_events_instant_is_found_whatever_its_text_says():
    event = b'{"text":"\\"at\\":\\"2001-01-01T00:00:00.000Z\\"","at":"%s","reply_to":3}' % rfc3339(12.5).encode()
    assert instant_of(event) == 12.5
    assert instant_of(b"{}") is None
