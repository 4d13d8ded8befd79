"""How many lines a minute takes: whoever floods is cut, and everybody else is heard."""

from cloudchat.core.log_rate_limit import MAX_KINDS, OTHERS, WINDOW_SECONDS, LogRateLimit


def test_who_floods_is_cut_and_counted_and_others_are_heard() -> None:
    budget = LogRateLimit(0, per_client=3, per_kind=100)
    assert [budget.admit("refused", "flooder") for _ in range(5)] == [True, True, True, False, False]
    assert budget.admit("refused", "ann")
    assert budget.admit("limit hit", "flooder")
    assert budget.start_window(WINDOW_SECONDS) == {("refused", "flooder"): 2}
    assert budget.admit("refused", "flooder")
    assert budget.start_window(2 * WINDOW_SECONDS) == {}


def test_a_crowd_of_addresses_is_bounded_too_and_counted_as_one() -> None:
    budget = LogRateLimit(0, per_client=3, per_kind=10)
    assert sum(budget.admit("refused", f"address {number}") for number in range(1000)) == 10
    assert budget.start_window(WINDOW_SECONDS) == {("refused", OTHERS): 990}


def test_kinds_are_bounded_whatever_makes_them() -> None:
    budget = LogRateLimit(0, per_client=1, per_kind=10)
    for number in range(3 * MAX_KINDS):
        budget.admit(f"kind {number}", "-")
    assert len(budget.start_window(WINDOW_SECONDS)) == 1


def test_a_window_lasts_a_minute() -> None:
    budget = LogRateLimit(100)
    assert budget.wait(100) == 60
    assert budget.wait(130) == 30
    assert budget.wait(161) == 0
    budget.start_window(161)
    assert budget.wait(161) == 60
