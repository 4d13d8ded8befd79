from cloudchat.core.reconnect_window import MAX_WINDOW_MS, reconnect_window_ms


def test_the_first_clients_are_back_within_three_seconds() -> None:
    assert [reconnect_window_ms(sockets) for sockets in (0, 1, 2400)] == [3000, 3000, 3000]


def test_more_clients_spread_to_800_per_second() -> None:
    assert reconnect_window_ms(3000) == 3750
    assert reconnect_window_ms(1_000_000) == MAX_WINDOW_MS
