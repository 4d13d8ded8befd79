"""The report in Markdown."""

from pathlib import Path

import pytest

from benchmarks.report import MarkersMissing, by_row, by_server_tables, quantity, replace_report, report
from benchmarks.results import Table

FACTS = {
    "date": "2026-11-28T10:00:00+00:00",
    "cores": 2,
    "cpu": "a processor",
    "memory_gib": 24,
    "kernel": "6.1",
    "fsync_p50_ms": 0.1,
    "python": "3.11.7",
    "versions": {"cloudchat": "0.1.0"},
    "commit": "abc",
}


@pytest.fixture
def table() -> Table:
    table = Table(["cloudchat", "other"], notes=["a note"])
    rate = table.row("deliveries per second", more_is_better=True)
    rate.add("cloudchat", 1_650_000)
    rate.add("other", 3_300_000)
    table.row("memory", "MiB", more_is_better=False).add("cloudchat", 80)
    return table


def test_each_row_is_a_line_with_the_factor_over_the_other(table: Table) -> None:
    assert by_row(table) == [
        ["", "cloudchat", "other"],
        ["deliveries per second", "1.65 M", "3.30 M (0.50 ×)"],
        ["memory", "80.0 MiB", "–"],
    ]


def test_each_server_is_a_line_and_each_measure_a_table(table: Table) -> None:
    table.row("memory, idle", "KiB").add("other", 10)
    assert by_server_tables(table) == [
        [["deliveries per second", ""], ["cloudchat", "1.65 M"], ["other", "3.30 M (0.50 ×)"]],
        [["memory", "", "idle"], ["cloudchat", "80.0 MiB", "–"], ["other", "–", "10.0 KiB"]],
    ]


def test_the_median_has_its_spread_if_that_is_large(table: Table) -> None:
    memory = table.row("memory")
    memory.add("cloudchat", 100)
    memory.add("cloudchat", 120)
    assert by_row(table)[2][1] == "100 MiB ±20%"


def test_report_names_date_machine_versions_and_command(table: Table) -> None:
    text = " ".join(report(FACTS, table, "make bench").split())
    for part in ("`make bench` on 2026-11-28", "2 cores of a processor", "cloudchat 0.1.0", "commit abc", "- a note"):
        assert part in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.614, "0.61"), (12.34, "12.3"), (999.7, "1,000"), (9_990, "9,990"), (160_400, "160 k"), (999_600, "1.00 M")],
)
def test_quantity_has_three_digits(value: float, text: str) -> None:
    assert quantity(value) == text


def test_replace_report_keeps_what_stands_around_it(tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text("before\n<!-- make bench -->\nold\n<!-- end of make bench -->\nafter\n")
    replace_report(file, "make bench", "new")
    assert file.read_text() == "before\n<!-- make bench -->\n\nnew\n\n<!-- end of make bench -->\nafter\n"


def test_replace_report_demands_the_markers(tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text("<!-- make bench -->\nold\n")
    with pytest.raises(MarkersMissing, match="end of make bench"):
        replace_report(file, "make bench", "new")


def test_a_server_that_was_not_measured_has_no_column(table: Table) -> None:
    table.servers.append("absent")
    assert by_row(table)[0] == ["", "cloudchat", "other"]
