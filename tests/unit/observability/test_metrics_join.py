from prometheus_client.parser import text_string_to_metric_families

from cloudchat.observability.metrics_join import join

ONE = rb"""# HELP cloudchat_sends_total Messages.
# TYPE cloudchat_sends_total counter
cloudchat_sends_total{worker="0"} 3.0
# HELP cloudchat_closes_total Ends.
# TYPE cloudchat_closes_total counter
cloudchat_closes_total{code="x\n# \"y\\z",worker="0"} 1.0
# HELP cloudchat_append_seconds Time.
# TYPE cloudchat_append_seconds histogram
cloudchat_append_seconds_bucket{le="0.1",worker="0"} 1.0
cloudchat_append_seconds_bucket{le="+Inf",worker="0"} 2.0
cloudchat_append_seconds_count{worker="0"} 2.0
cloudchat_append_seconds_sum{worker="0"} 0.75
# HELP cloudchat_commands_total Nothing yet.
# TYPE cloudchat_commands_total counter
"""
OTHER = ONE.replace(b'worker="0"', b'worker="1"')


def samples(text: bytes) -> set[tuple[str, str, float]]:
    return {
        (sample.name, repr(sample.labels), sample.value)
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_each_process_is_told_as_it_is_and_each_family_stays_together() -> None:
    together = join([ONE, OTHER])
    assert samples(together) == samples(ONE) | samples(OTHER)
    assert together.count(b"# TYPE ") == ONE.count(b"# TYPE ")


def test_one_that_tells_one_metric_alone_takes_nothing_from_the_others() -> None:
    ready = b'# HELP cloudchat_ready Ready.\n# TYPE cloudchat_ready gauge\ncloudchat_ready{worker="1"} 0.0\n'
    assert samples(join([ONE, ready])) == samples(ONE) | samples(ready)


def test_one_process_alone_is_told_as_it_is() -> None:
    assert join([ONE]) == ONE
