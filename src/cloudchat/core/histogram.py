"""How long things took, in so few instructions that every message can be counted."""

from bisect import bisect_left

BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Seconds: from an fsync on a fast disk to where clients give up."""


class Histogram:
    """Durations by size. For one event loop: nothing is locked."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        """How many took at most so long, bound by bound, each counted once; the last ones took longer."""
        self.total = 0.0
        """Seconds, of all together."""

    def observe(self, seconds: float) -> None:
        """Count one. Clocks of two machines differ: what seems to have ended before it began took no time."""
        if seconds < 0.0:
            seconds = 0.0
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds
