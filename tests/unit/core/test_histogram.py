from cloudchat.core.histogram import BUCKET_BOUNDS_SECONDS, Histogram


def test_observe_counts_each_duration_once_in_the_first_bucket_that_holds_it() -> None:
    histogram = Histogram()
    first_bound = BUCKET_BOUNDS_SECONDS[0]
    for seconds in (0.0, first_bound, first_bound * 1.01, 1e9, -1.0):
        histogram.observe(seconds)
    assert histogram.bucket_counts == [3, 1, *[0] * (len(BUCKET_BOUNDS_SECONDS) - 2), 1]
    assert histogram.sum_seconds == first_bound * 2.01 + 1e9
