"""When an outage of the store counts as long."""

from cloudchat.realtime.store_outage import MAX_OUTAGE_SECONDS, StoreOutage


def test_outage_up_to_the_maximum_is_not_long() -> None:
    outage = StoreOutage(now=100)
    assert not outage.is_long(False, 100 + MAX_OUTAGE_SECONDS)
    assert not outage.is_long(True, 101 + MAX_OUTAGE_SECONDS)


def test_outage_is_measured_from_the_last_moment_of_reachability() -> None:
    outage = StoreOutage(now=100)
    assert not outage.is_long(True, 150)
    assert not outage.is_long(False, 150 + MAX_OUTAGE_SECONDS)
    assert outage.is_long(False, 151 + MAX_OUTAGE_SECONDS)
    assert outage.is_long(False, 900)
    assert not outage.is_long(True, 901)
    assert not outage.is_long(False, 902)
