"""When a store counts as away for long."""

from cloudchat.realtime.store_outage import PATIENCE_SECONDS, StoreOutage


def test_a_short_outage_is_none() -> None:
    outage = StoreOutage(now=100)
    assert not outage.lasts(False, 100 + PATIENCE_SECONDS)
    assert not outage.lasts(True, 101 + PATIENCE_SECONDS)


def test_it_counts_from_the_last_moment_in_which_the_store_was_there() -> None:
    outage = StoreOutage(now=100)
    assert not outage.lasts(True, 150)
    assert not outage.lasts(False, 150 + PATIENCE_SECONDS)
    assert outage.lasts(False, 151 + PATIENCE_SECONDS)
    assert outage.lasts(False, 900)
    assert not outage.lasts(True, 901)
    assert not outage.lasts(False, 902)
