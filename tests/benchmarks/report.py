"""The report in Markdown, as it stands in README.md and docs/performance.md."""

import statistics
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.results import Row, Table, spread

_MIN_SPREAD = 0.03  # a smaller one is not worth a reader's time
_LINE_CHARACTERS = 120


class MarkersMissing(ValueError):
    """The file has no place for this report."""


def report(facts: Mapping[str, object], table: Table, command: str, *, by_server: bool = False) -> str:
    """Return date, machine and versions, the table, and its notes. `by_server`: one line for each server."""
    parts = [textwrap.fill(headline(facts, command), _LINE_CHARACTERS)]
    parts += ["\n".join(aligned(lines)) for lines in (by_server_tables(table) if by_server else [by_row(table)])]
    notes = [textwrap.fill(note, _LINE_CHARACTERS, initial_indent="- ", subsequent_indent="  ") for note in table.notes]
    return "\n\n".join([*parts, *(["\n".join(notes)] if notes else [])])


def replace_report(file: Path, place: str, text: str) -> None:
    """Write the report between the file's markers of this name. Raises MarkersMissing."""
    begin, end = f"<!-- {place} -->\n", f"<!-- end of {place} -->"
    old = file.read_text()
    before, found, rest = old.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found or not found_end:
        raise MarkersMissing(f"{file} needs the lines `{begin.strip()}` and `{end}`")
    file.write_text(f"{before}{begin}\n{text}\n\n{end}{after}")


def by_row(table: Table) -> list[list[str]]:
    """Return one line for each row, and one column for each server. The first server is compared with the others."""
    measured = [name for name in table.servers if any(row.values.get(name) for row in table.rows)]
    reference = table.servers[0]
    return [["", *measured], *([row.what, *(_cell(row, name, reference) for name in measured)] for row in table.rows)]


def by_server_tables(table: Table) -> list[list[list[str]]]:
    """Return one line for each server, and one column for each row; one table for all rows whose names begin alike."""
    reference = table.servers[0]
    groups: dict[str, list[Row]] = {}
    for row in table.rows:
        groups.setdefault(row.what.partition(", ")[0], []).append(row)
    return [
        [
            [what, *(row.what.partition(", ")[2] for row in rows)],
            *([name, *(_cell(row, name, reference) for row in rows)] for name in table.servers),
        ]
        for what, rows in groups.items()
    ]


def quantity(value: float, unit: str = "") -> str:
    """Return a value with three significant digits, in a form that is easy to read: 1.65 M, 160 k, 3.92 ms."""
    if value >= 999_500:
        text = f"{_digits(value / 1e6)} M"
    elif value >= 9_995:
        text = f"{_digits(value / 1e3)} k"
    else:
        text = _digits(value)
    return f"{text} {unit}" if unit else text


def headline(facts: Mapping[str, object], command: str) -> str:
    """Return the date, the machine and the versions of a run."""
    versions = facts["versions"]
    assert isinstance(versions, Mapping)
    return (
        f"`{command}` on {str(facts['date'])[:10]}: {facts['cores']} cores of {facts['cpu']}, "
        f"{facts['memory_gib']} GiB, Linux {facts['kernel']}, {facts['fsync_p50_ms']} ms for an fsync; "
        f"CPython {facts['python']}, {', '.join(f'{name} {number}' for name, number in versions.items())}; "
        f"commit {facts['commit']}."
    )


def aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table in Markdown."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    text = ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines]
    return [text[0], "| " + " | ".join("-" * max(3, width) for width in widths) + " |", *text[1:]]


def _cell(row: Row, server: str, reference: str) -> str:
    """Return the median with its spread, and by which factor the reference is better."""
    values = row.values.get(server, [])
    if not values:
        return "–"
    text = quantity(statistics.median(values), row.unit)
    if (share := spread(values)) >= _MIN_SPREAD:
        text += f" ±{share:.0%}"
    factor = None if server == reference else row.factor(reference, server)
    return text if factor is None else f"{text} ({_digits(factor)} ×)"


def _digits(value: float) -> str:
    if value >= 99.95:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"
