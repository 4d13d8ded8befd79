"""Statistics of the results."""

import pytest

from benchmarks.results import Row, Table, paired_ratio, percentile, spread


def test_factor_is_above_one_for_more_deliveries() -> None:
    row = Row("deliveries", "", more_is_better=True, values={"ours": [300.0, 600.0], "other": [100.0, 200.0]})
    assert row.factor("ours", "other") == 3


def test_factor_is_above_one_for_less_time() -> None:
    row = Row("latency", "ms", more_is_better=False, values={"ours": [2.0], "other": [10.0]})
    assert row.factor("ours", "other") == 5


@pytest.mark.parametrize("other", [[], [1.0, 2.0]])
def test_no_factor_without_the_same_rounds_of_both(other: list[float]) -> None:
    assert (
        Row("deliveries", "", more_is_better=True, values={"ours": [1.0], "other": other}).factor("ours", "other")
        is None
    )


def test_table_adds_a_row_once() -> None:
    table = Table(["ours"])
    table.row("deliveries").add("ours", 1)
    table.row("deliveries").add("ours", 2)
    assert [row.values for row in table.rows] == [{"ours": [1, 2]}]


def test_json_contains_every_round_and_the_background() -> None:
    table = Table(["ours"])
    table.row("deliveries").add("ours", 1)
    table.background_row("generator busy").add("ours", 0.5)
    data = table.as_json()
    assert data["rows"] == [{"what": "deliveries", "unit": "", "more_is_better": None, "values": {"ours": [1]}}]
    assert isinstance(data["background"], list)
    assert data["background"][0]["values"] == {"ours": [0.5]}


def test_spread_is_half_of_the_range_as_a_share_of_the_median() -> None:
    assert spread([90.0, 100.0, 130.0]) == pytest.approx(0.2)
    assert spread([0.0]) == 0


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_percentile_is_a_measured_value(share: float, expected: float) -> None:
    assert percentile(list(range(100, 0, -1)), share) == expected


def test_percentile_of_one_value_is_that_value() -> None:
    assert percentile([7.0], 0.99) == 7.0


def test_percentile_of_no_values_raises() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_paired_ratio_ignores_a_slow_period_of_the_machine() -> None:
    assert paired_ratio([100.0, 10.0, 100.0], [20.0, 2.0, 20.0]) == 5.0


def test_paired_ratio_ignores_an_outlier() -> None:
    assert paired_ratio([100.0, 900.0, 100.0], [20.0, 20.0, 20.0]) == 5.0


def test_paired_ratio_raises_for_unpaired_rounds() -> None:
    with pytest.raises(ValueError, match="shorter"):
        paired_ratio([1.0, 2.0], [1.0])
