"""The windows of handshakes, and how one process counts them alone."""

from hypothesis import given
from hypothesis import strategies as st

from cloudchat.core.client_network import SUBSCRIBER_FACTOR
from cloudchat.rate_limiting.connections import connection_rate
from cloudchat.rate_limiting.connections.connection_rate import ConnectionRates, LocalWindows, Window

RATES = ConnectionRates(per_address="3/minute", per_user="2/minute")


def test_the_limit_holds_for_each_address_and_each_user() -> None:
    local = LocalWindows()
    waits = [local.hit(RATES.windows_of_address("192.0.2.1"), 0) for _ in range(5)]
    assert [seconds > 0 for seconds in waits] == [False, False, False, True, True]
    assert waits[-1] == 60
    waits = [local.hit([RATES.window_of_user("ann")], 0) for _ in range(3)]
    assert [seconds > 0 for seconds in waits] == [False, False, True]
    assert local.hit(RATES.windows_of_address("192.0.2.2"), 0) == 0


def test_the_networks_of_an_ipv6_subscriber_share_a_limit() -> None:
    rates, local = ConnectionRates(per_address="1/minute", per_user="1/minute"), LocalWindows()
    networks = [f"2001:db8:0:{number:x}::/64" for number in range(SUBSCRIBER_FACTOR + 1)]
    waits = [local.hit(rates.windows_of_address(network), 0) for network in networks]
    assert [seconds > 0 for seconds in waits] == [False] * SUBSCRIBER_FACTOR + [True]
    assert local.hit(rates.windows_of_address("2001:db8:1::/64"), 0) == 0


# Eighths of a second: their sums and differences are exact.
@given(st.lists(st.integers(0, 400).map(lambda eighths: eighths / 8), max_size=60), st.integers(1, 5))
def test_no_window_of_any_position_admits_more_than_its_limit(pauses: list[float], limit: int) -> None:
    local, window, now = LocalWindows(), Window("user:ann", limit, 60), 0.0
    admitted: list[float] = []
    for pause in pauses:
        now += pause
        wait_seconds = local.hit([window], now)
        if wait_seconds == 0:
            admitted.append(now)
        else:
            assert len(admitted) >= limit
            assert admitted[-limit] + 60 > now
    assert all(later - earlier >= 60 for earlier, later in zip(admitted, admitted[limit:], strict=False))


def test_what_a_process_remembers_is_bounded(monkeypatch: object) -> None:
    local = LocalWindows()
    for number in range(connection_rate.MAX_LOCAL_WINDOWS + 10):
        local.hit([Window(f"user:{number}", 1, 60)], 0)
    assert len(local) == connection_rate.MAX_LOCAL_WINDOWS
    assert local.hit([Window("user:0", 1, 60)], 0) == 0
