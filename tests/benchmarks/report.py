"""The report: tables in Markdown, ready for the README, and notes for their reader."""

import statistics
from collections.abc import Sequence

from benchmarks.results import Row, Table, spread

_MIN_SPREAD = 0.02  # a smaller one is not worth a reader's time


def markdown(table: Table) -> str:
    """Return the table in Markdown: for each server the median with its spread, and cloudchat's factor over it."""
    reference, *others = table.servers
    head = ["", *table.servers, *(f"cloudchat / {name}" for name in others)]
    lines = [head, ["---"] * len(head)]
    lines += [_cells(row, reference, others) for row in table.rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    text = ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines]
    text[1] = text[1].replace("--- ", "----").replace(" ", "-").replace("|-", "| ").replace("-|", " |")
    return "\n".join([f"{table.title}\n", *text, "", *(f"- {note}" for note in table.notes)])


def quantity(value: float, unit: str = "") -> str:
    """Return a value with three significant digits, in a form that is easy to read: 1.65 M, 160 k, 3.92 ms."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size * 0.9995 and (letter == "M" or value >= 9995):
            return f"{_digits(value / size)} {letter}{' ' + unit if unit else ''}"
    text = f"{value:,.0f}" if value >= 999.5 else _digits(value)
    return f"{text} {unit}" if unit else text


def _digits(value: float) -> str:
    if value >= 99.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


def _cells(row: Row, reference: str, others: Sequence[str]) -> list[str]:
    cells = [row.what]
    for name in (reference, *others):
        values = row.values.get(name, [])
        cells.append(_median(values, row.unit) if values else "–")
    for name in others:
        factor = row.factor(reference, name)
        cells.append("" if factor is None else f"{_digits(factor)} ×")
    return cells


def _median(values: Sequence[float], unit: str) -> str:
    text = quantity(statistics.median(values), unit)
    share = spread(values)
    return text if share < _MIN_SPREAD else f"{text} ±{share:.0%}"
