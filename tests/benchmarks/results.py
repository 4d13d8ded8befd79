"""The results of a benchmark, round by round, and their summary: medians, and medians of the ratios of rounds."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class LoadResult:
    """One load on one server. Times in milliseconds, CPU and busy time as shares of one core.

    `others_cpu`: the share of the server core that unrelated processes used.
    """

    deliveries_per_second: float
    sends_per_second: float
    p50: float
    p99: float
    whole_room_p50: float
    whole_room_p99: float
    server_cpu: float
    store_cpu: float
    others_cpu: float
    generator_busy: float

    @property
    def deliveries_per_cpu_second(self) -> float:
        """Deliveries per second of CPU, including the store's: the result that a busy machine changes least."""
        return self.deliveries_per_second / max(self.server_cpu + self.store_cpu, 0.001)


@dataclass(frozen=True)
class MemoryResult:
    """Resident bytes per idle joined member, and of the server without members."""

    bytes_per_member: float
    empty_bytes: int
    store_bytes_per_member: float


@dataclass(frozen=True)
class Row:
    """One line of the table. `better`: by which factor cloudchat is better; None if only one server was measured."""

    what: str
    unit: str
    cloudchat: float | None
    plain: float | None
    better: float | None


@dataclass
class Results:
    """Results by server name ("cloudchat", "plain"). Round i of both servers is at index i."""

    loads: dict[int, dict[str, list[LoadResult]]] = field(default_factory=dict)  # by sends in flight
    memory: dict[str, MemoryResult] = field(default_factory=dict)

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
                cloudchat = [getattr(result, attribute) for result in by_server.get("cloudchat", [])]
                plain = [getattr(result, attribute) for result in by_server.get("plain", [])]
                rows.append(_row(f"{in_flight:>2} in flight: {what}", unit, cloudchat, plain, more_is_better))
        if self.memory:
            cloudchat, plain = (
                [self.memory[name].bytes_per_member / 1024] if name in self.memory else []
                for name in ("cloudchat", "plain")
            )
            rows.append(_row("memory per idle member", "KiB", cloudchat, plain, more_is_better=False))
        return rows

    def largest(self, share: str) -> float:
        """Return the largest value of one share ("generator_busy", "others_cpu") in any round."""
        results = [result for by_server in self.loads.values() for rounds in by_server.values() for result in rounds]
        return max((getattr(result, share) for result in results), default=0.0)

    def as_json(self) -> dict[str, object]:
        return {
            "summary": [asdict(row) for row in self.rows()],
            "loads": [
                {"in_flight": in_flight, "server": name, "rounds": [asdict(result) for result in rounds]}
                for in_flight, by_server in sorted(self.loads.items())
                for name, rounds in by_server.items()
            ],
            "memory": {name: asdict(result) for name, result in self.memory.items()},
        }


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


def _row(what: str, unit: str, cloudchat: list[float], plain: list[float], more_is_better: bool) -> Row:
    better = None
    if cloudchat and plain:
        better = paired_ratio(cloudchat, plain) if more_is_better else paired_ratio(plain, cloudchat)
    return Row(
        what,
        unit,
        cloudchat=statistics.median(cloudchat) if cloudchat else None,
        plain=statistics.median(plain) if plain else None,
        better=better,
    )
