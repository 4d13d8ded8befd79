from cloudchat.core.log_rate_limit import MAX_KINDS, OTHERS, WINDOW_SECONDS, LogRateLimit


def test_a_client_over_its_limit_is_suppressed_and_counted_while_others_are_admitted() -> None:
    limit = LogRateLimit(0, max_per_client=3, max_per_kind=100)
    assert [limit.admit("refused", "flooder") for _ in range(5)] == [True, True, True, False, False]
    assert limit.admit("refused", "ann")
    assert limit.admit("limit hit", "flooder")
    assert limit.start_window(WINDOW_SECONDS) == {("refused", "flooder"): 2}
    assert limit.admit("refused", "flooder")
    assert limit.start_window(2 * WINDOW_SECONDS) == {}


def test_lines_over_the_limit_of_a_kind_are_counted_together() -> None:
    limit = LogRateLimit(0, max_per_client=3, max_per_kind=10)
    assert sum(limit.admit("refused", f"address {number}") for number in range(1000)) == 10
    assert limit.start_window(WINDOW_SECONDS) == {("refused", OTHERS): 990}


def test_the_number_of_kinds_is_bounded() -> None:
    limit = LogRateLimit(0, max_per_client=1, max_per_kind=10)
    for number in range(3 * MAX_KINDS):
        limit.admit(f"kind {number}", "-")
    assert len(limit.start_window(WINDOW_SECONDS)) == 1


def test_a_window_lasts_a_minute() -> None:
    limit = LogRateLimit(100)
    assert limit.seconds_left(100) == 60
    assert limit.seconds_left(130) == 30
    assert limit.seconds_left(161) == 0
    limit.start_window(161)
    assert limit.seconds_left(161) == 60
