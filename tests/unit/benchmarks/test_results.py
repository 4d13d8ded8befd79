"""Statistics of the results, and the report about them."""

from dataclasses import replace

import pytest

from benchmarks.report import notes, table
from benchmarks.results import LoadResult, MemoryResult, Results, paired_ratio, percentile

SLOWER = LoadResult(
    deliveries_per_second=50_000,
    sends_per_second=100,
    p50=10,
    p99=20,
    whole_room_p50=15,
    whole_room_p99=30,
    server_cpu=0.99,
    store_cpu=0,
    others_cpu=0.01,
    generator_busy=0.2,
)
FASTER = replace(SLOWER, deliveries_per_second=300_000, p50=2, store_cpu=0.05)
RESULTS = Results(
    loads={16: {"plain": [SLOWER, SLOWER], "cloudchat": [FASTER, FASTER]}},
    memory={"plain": MemoryResult(30 * 1024, 50 << 20, 0), "cloudchat": MemoryResult(15 * 1024, 60 << 20, 10)},
)


def _better(results: Results) -> dict[str, float | None]:
    return {row.what: row.better for row in results.rows()}


def test_better_is_above_one_for_more_deliveries_less_time_and_less_memory() -> None:
    better = _better(RESULTS)
    assert better["16 in flight: deliveries per second"] == 6
    assert better["16 in flight: deliveries per second of CPU"] == pytest.approx(6 * 0.99 / 1.04)
    assert better["16 in flight: send to delivery, p50"] == 5
    assert better["16 in flight: send to delivery, p99"] == 1
    assert better["memory per idle member"] == 2


def test_one_server_alone_gives_rows_without_a_ratio() -> None:
    alone = Results(loads={1: {"cloudchat": [FASTER]}}, memory={"cloudchat": RESULTS.memory["cloudchat"]})
    assert set(_better(alone).values()) == {None}
    assert "300,000 1/s" in table(alone)


def test_table_shows_both_servers_and_the_ratio_in_one_line() -> None:
    (line,) = [
        line
        for line in table(RESULTS).splitlines()
        if "16 in flight: deliveries per second " in line and "CPU" not in line
    ]
    assert line.split()[-6:] == ["300,000", "1/s", "50,000", "1/s", "6.00", "×"]


def test_json_contains_every_round() -> None:
    loads = RESULTS.as_json()["loads"]
    assert isinstance(loads, list)
    assert [len(load["rounds"]) for load in loads] == [2, 2]


def test_notes_warn_of_other_processes_on_the_server_core() -> None:
    disturbed = Results(loads={1: {"plain": [SLOWER, replace(SLOWER, others_cpu=0.4)]}})
    assert any("other processes took up to 40%" in note for note in notes(disturbed))


def test_notes_warn_of_a_saturated_generator() -> None:
    assert not any("CAUTION" in note for note in notes(RESULTS))
    busy = Results(loads={16: {"plain": [replace(SLOWER, generator_busy=0.97)]}})
    assert any("CAUTION" in note for note in notes(busy))


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
