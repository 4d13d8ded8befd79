"""The results of a benchmark, round by round, and their statistics."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field


@dataclass
class Row:
    """One line of a table: what was measured on each server, one value per round.

    Round i of all servers ran right after each other. `more_is_better` is None where values are not to be compared.
    """

    what: str
    unit: str
    more_is_better: bool | None
    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, server: str, value: float) -> None:
        self.values.setdefault(server, []).append(value)

    def factor(self, server: str, other: str) -> float | None:
        """Return by which factor `server` is better than `other`; below 1 it is worse. None if one was not measured."""
        ours, theirs = self.values.get(server, []), self.values.get(other, [])
        if self.more_is_better is None or not ours or len(ours) != len(theirs):
            return None
        return paired_ratio(ours, theirs) if self.more_is_better else paired_ratio(theirs, ours)


@dataclass
class Table:
    """Rows in the order in which they were first named, and what their reader has to know.

    `background` are measurements that explain the rows: they are not printed.
    """

    servers: list[str]
    rows: list[Row] = field(default_factory=list)
    background: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def row(self, what: str, unit: str = "", *, more_is_better: bool | None = None) -> Row:
        """Return the row of this name; add it if there is none."""
        return _named(self.rows, what, unit, more_is_better)

    def background_row(self, what: str, unit: str = "") -> Row:
        """Return the row of this name that is only in the JSON."""
        return _named(self.background, what, unit, None)

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def spread(values: Sequence[float]) -> float:
    """Return half of the distance between the smallest and the largest value, as a share of the median."""
    middle = statistics.median(values)
    return (max(values) - min(values)) / 2 / middle if middle else 0.0


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` (0 < share ≤ 1) of `values` do not exceed (nearest rank).

    Raises ValueError without values: a percentile of nothing would look like a measurement.
    """
    if not values:
        raise ValueError("no values to take a percentile of")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def paired_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    """Return the median of numerators[i] / denominators[i].

    Round i of both servers ran within seconds, so a machine that is slower for a while slows both, and the quotient of
    the pair does not change. The quotient of the two medians would change.
    """
    if not numerators:
        raise ValueError("no rounds to compare")
    return statistics.median(a / b for a, b in zip(numerators, denominators, strict=True))


def _named(rows: list[Row], what: str, unit: str, more_is_better: bool | None) -> Row:
    for row in rows:
        if row.what == what:
            return row
    rows.append(row := Row(what, unit, more_is_better))
    return row
