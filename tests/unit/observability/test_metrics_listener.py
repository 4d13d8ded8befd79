from prometheus_client.parser import text_string_to_metric_families

from cloudchat.observability.metrics_listener import merge_expositions

ONE = rb"""# HELP cloudchat_sends_total Messages.
# TYPE cloudchat_sends_total counter
cloudchat_sends_total{worker="0"} 3.0
# HELP cloudchat_closes_total Closed sockets.
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


def test_merge_retains_all_samples_and_groups_them_by_family() -> None:
    merged = merge_expositions([ONE, OTHER])
    assert samples(merged) == samples(ONE) | samples(OTHER)
    assert merged.count(b"# TYPE ") == ONE.count(b"# TYPE ")


def test_merge_accepts_a_process_with_a_single_metric() -> None:
    ready = b'# HELP cloudchat_ready Ready.\n# TYPE cloudchat_ready gauge\ncloudchat_ready{worker="1"} 0.0\n'
    assert samples(merge_expositions([ONE, ready])) == samples(ONE) | samples(ready)


def test_merge_of_one_exposition_is_that_exposition() -> None:
    assert merge_expositions([ONE]) == ONE
