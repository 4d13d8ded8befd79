"""What a whole run has measured, round by round, and its summary: medians, and the medians of the rounds' ratios."""

import statistics
from dataclasses import asdict, dataclass, field

from benchmarks.figures import paired_ratio
from benchmarks.measure import LoadFigures, MemoryFigures


@dataclass(frozen=True)
class Row:
    """One line of the table. `better` is how many times cloudchat does better; None if only one server was measured."""

    what: str
    unit: str
    cloudchat: float | None
    plain: float | None
    better: float | None


@dataclass
class Results:
    """Figures by server name ("cloudchat", "plain"); the lists of both servers run in step."""

    loads: dict[int, dict[str, list[LoadFigures]]] = field(default_factory=dict)  # by sends in flight
    memory: dict[str, MemoryFigures] = field(default_factory=dict)

    def rows(self) -> list[Row]:
        rows: list[Row] = []
        for in_flight, by_server in sorted(self.loads.items()):
            for what, unit, attribute, more_is_better in (
                ("deliveries per second", "1/s", "deliveries_per_second", True),
                ("deliveries per second of CPU", "1/s", "deliveries_per_cpu_second", True),
                ("send to delivery, p50", "ms", "p50", False),
                ("send to delivery, p99", "ms", "p99", False),
                ("send to the last member, p50", "ms", "whole_room_p50", False),
                ("send to the last member, p99", "ms", "whole_room_p99", False),
            ):
                ours = [getattr(figures, attribute) for figures in by_server.get("cloudchat", [])]
                theirs = [getattr(figures, attribute) for figures in by_server.get("plain", [])]
                rows.append(_row(f"{in_flight:>2} in flight: {what}", unit, ours, theirs, more_is_better))
        if self.memory:
            ours, theirs = (
                [self.memory[name].bytes_per_member / 1024] if name in self.memory else []
                for name in ("cloudchat", "plain")
            )
            rows.append(_row("memory per idle member", "KiB", ours, theirs, more_is_better=False))
        return rows

    def largest(self, share: str) -> float:
        """The largest of one share ("generator_busy", "others_cpu") in any round."""
        rounds = [figures for by_server in self.loads.values() for rounds in by_server.values() for figures in rounds]
        return max((getattr(figures, share) for figures in rounds), default=0.0)

    def as_json(self) -> dict[str, object]:
        return {
            "summary": [asdict(row) for row in self.rows()],
            "loads": [
                {"in_flight": in_flight, "server": name, "rounds": [asdict(figures) for figures in rounds]}
                for in_flight, by_server in sorted(self.loads.items())
                for name, rounds in by_server.items()
            ],
            "memory": {name: asdict(figures) for name, figures in self.memory.items()},
        }


def _row(what: str, unit: str, ours: list[float], theirs: list[float], more_is_better: bool) -> Row:
    better = None
    if ours and theirs:
        better = paired_ratio(ours, theirs) if more_is_better else paired_ratio(theirs, ours)
    return Row(
        what,
        unit,
        cloudchat=statistics.median(ours) if ours else None,
        plain=statistics.median(theirs) if theirs else None,
        better=better,
    )
