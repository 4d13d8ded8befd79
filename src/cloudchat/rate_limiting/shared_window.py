"""Count attempts in the store for all processes together, or in this process while the store is unavailable."""

import time

from limits import RateLimitItem, parse_many
from limits.strategies import FixedWindowRateLimiter

from cloudchat.rate_limiting.window_storage import WindowStorage


class SharedWindow:
    """Counts attempts per key within rates such as `5/minute;20/hour`. Blocking: for threads.

    A window starts with its first attempt. Attempts beyond a rate do not extend it, so that a client which waits is
    admitted.
    """

    def __init__(self, store_url: str | None, *, table: str = "attempts", shards: int = 64) -> None:
        """The table holds 400 × `shards` windows, one for each key and rate."""
        self._limiter = FixedWindowRateLimiter(WindowStorage(table=table, shards=shards, store_url=store_url or ""))

    def count(self, rates: str, key: str) -> float:
        """Count an attempt. Return 0, or the seconds to wait if it is beyond a rate."""
        return max(self._count(rate, key) for rate in parse_many(rates))

    def seconds_to_wait(self, rates: str, key: str) -> float:
        """Return the seconds that the next attempt has to wait, or 0, without counting one."""
        return max(self._seconds_to_wait(rate, key) for rate in parse_many(rates))

    def clear(self, rates: str, key: str) -> None:
        """Forget the attempts of a key."""
        for rate in parse_many(rates):
            self._limiter.clear(rate, key)

    def _count(self, rate: RateLimitItem, key: str) -> float:
        return 0.0 if self._limiter.hit(rate, key) else self._seconds_to_reset(rate, key)

    def _seconds_to_wait(self, rate: RateLimitItem, key: str) -> float:
        return 0.0 if self._limiter.test(rate, key) else self._seconds_to_reset(rate, key)

    def _seconds_to_reset(self, rate: RateLimitItem, key: str) -> float:
        return max(1.0, self._limiter.get_window_stats(rate, key).reset_time - time.time())
