"""Percentiles and paired ratios."""

import pytest

from benchmarks.figures import paired_ratio, percentile


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_percentile_is_a_value_that_was_measured(share: float, expected: float) -> None:
    assert percentile(list(range(100, 0, -1)), share) == expected


def test_percentile_of_one_value_is_that_value() -> None:
    assert percentile([7.0], 0.99) == 7.0


def test_percentile_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_a_slow_minute_of_the_machine_does_not_change_the_ratio() -> None:
    assert paired_ratio([100.0, 10.0, 100.0], [20.0, 2.0, 20.0]) == 5.0


def test_one_odd_round_does_not_change_the_ratio() -> None:
    assert paired_ratio([100.0, 900.0, 100.0], [20.0, 20.0, 20.0]) == 5.0


def test_rounds_without_a_partner_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        paired_ratio([1.0, 2.0], [1.0])
