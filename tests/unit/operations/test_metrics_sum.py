from prometheus_client.parser import text_string_to_metric_families

from cloudchat.operations.metrics_sum import sum_up

ONE = b"""# HELP cloudchat_sends_total Messages.
# TYPE cloudchat_sends_total counter
cloudchat_sends_total 3.0
# HELP cloudchat_closes_total Ends.
# TYPE cloudchat_closes_total counter
cloudchat_closes_total{code="1000"} 1.0
# HELP cloudchat_ready Ready.
# TYPE cloudchat_ready gauge
cloudchat_ready 1.0
# HELP cloudchat_append_seconds Time.
# TYPE cloudchat_append_seconds histogram
cloudchat_append_seconds_bucket{le="0.1"} 1.0
cloudchat_append_seconds_bucket{le="+Inf"} 2.0
cloudchat_append_seconds_count 2.0
cloudchat_append_seconds_sum 0.75
"""
OTHER = ONE.replace(b"1000", rb"x\"y\\z").replace(b"ready 1.0", b"ready 0.0")


def samples(text: bytes) -> dict[tuple[str, str], float]:
    return {
        (sample.name, "".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_counts_are_added_and_the_worst_state_is_told():
    together = samples(sum_up([ONE, OTHER]))
    assert together["cloudchat_sends_total", ""] == 6
    assert together["cloudchat_closes_total", "1000"] == 1
    assert together["cloudchat_append_seconds_bucket", "+Inf"] == 4
    assert together["cloudchat_append_seconds_sum", ""] == 1.5
    assert together["cloudchat_ready", ""] == 0


def test_labels_of_each_process_come_through_and_each_family_stays_together():
    text = sum_up([ONE, OTHER])
    assert {name for name in samples(text) if name[0] == "cloudchat_closes_total"} == {
        name for one in (ONE, OTHER) for name in samples(one) if name[0] == "cloudchat_closes_total"
    }
    assert text.count(b"# TYPE cloudchat_closes_total") == 1


def test_one_process_alone_is_told_as_it_is():
    assert sum_up([ONE]) == ONE
