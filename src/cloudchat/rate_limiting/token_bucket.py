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
            self._refill(now)
        if self._tokens >= 1:
            self._tokens -= 1
            return 0
        return int((1 - self._tokens) / self._per_second * 1000) + 1

    def overdraw(self, tokens: float, now: float) -> None:
        """Take tokens for what has been done already. The bucket may then hold less than none."""
        self._refill(now)
        self._tokens -= tokens

    def wait_ms(self, now: float) -> int:
        """Return the milliseconds until an overdrawn bucket holds a token, or 0 if it holds one."""
        if now > self._updated_at:
            self._refill(now)
        return 0 if self._tokens >= 1 else int((1 - self._tokens) / self._per_second * 1000) + 1

    def missing(self, now: float) -> float:
        """Return how many tokens the bucket lacks of its capacity."""
        self._refill(now)
        return self._capacity - self._tokens

    def _refill(self, now: float) -> None:
        if now > self._updated_at:
            tokens = self._tokens + (now - self._updated_at) * self._per_second
            self._tokens = tokens if tokens < self._capacity else self._capacity  # `min` takes as long as all the rest
            self._updated_at = now
