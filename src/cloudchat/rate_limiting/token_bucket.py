"""A token bucket: a burst up to its capacity, then a constant rate."""


class TokenBucket:
    """Holds up to `capacity` tokens and gains `per_second`. `now` is seconds of a monotonic clock."""

    __slots__ = ("_capacity", "_per_second", "_tokens", "_updated_at")

    def __init__(self, capacity: float, per_second: float, now: float) -> None:
        self._capacity = capacity
        self._per_second = per_second
        self._tokens = capacity
        self._updated_at = now

    def take(self, now: float) -> int:
        """Take one token. Return 0, or the milliseconds until there is one; a rejected call costs nothing."""
        if now > self._updated_at:
            self._tokens = min(self._capacity, self._tokens + (now - self._updated_at) * self._per_second)
            self._updated_at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0
        return int((1 - self._tokens) / self._per_second * 1000) + 1
