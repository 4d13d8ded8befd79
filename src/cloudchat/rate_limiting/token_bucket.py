"""A token bucket: so many at once, so many a second afterwards."""


class TokenBucket:
    """Holds up to `capacity` tokens and gains `per_second`. Time arrives as `now`, seconds of a monotonic clock."""

    __slots__ = ("_at", "_capacity", "_per_second", "_tokens")

    def __init__(self, capacity: float, per_second: float, now: float) -> None:
        self._capacity = capacity
        self._per_second = per_second
        self._tokens = capacity
        self._at = now

    def take(self, now: float) -> int:
        """Take one token. Returns 0, or the milliseconds until one is there; a refusal costs nothing."""
        if now > self._at:
            self._tokens = min(self._capacity, self._tokens + (now - self._at) * self._per_second)
            self._at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0
        return int((1 - self._tokens) / self._per_second * 1000) + 1
