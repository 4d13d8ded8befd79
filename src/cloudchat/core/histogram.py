"""A histogram of durations that is cheap enough to be updated for every message."""

from bisect import bisect_left

BUCKET_BOUNDS_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Inclusive upper bounds: from an fsync on a fast disk to the point where clients give up."""


class Histogram:
    """Durations counted by size. Not thread-safe: one event loop uses it."""

    __slots__ = ("bucket_counts", "sum_seconds")

    def __init__(self) -> None:
        self.bucket_counts = [0] * (len(BUCKET_BOUNDS_SECONDS) + 1)
        """Durations per bucket, not cumulative. The last bucket has no upper bound."""
        self.sum_seconds = 0.0
        """Sum of all durations."""

    def observe(self, seconds: float, count: int = 1) -> None:
        """Count a duration, `count` times. A negative one, which two machines' clocks can produce, counts as 0."""
        if seconds < 0.0:
            seconds = 0.0
        self.bucket_counts[bisect_left(BUCKET_BOUNDS_SECONDS, seconds)] += count
        self.sum_seconds += seconds * count
