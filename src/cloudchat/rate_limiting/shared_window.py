"""Count attempts in the store for all processes together, or in this process while the store is unavailable."""

import threading
import time
from collections.abc import Callable

from limits import RateLimitItem, parse_many
from limits.errors import StorageError
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

from cloudchat.rate_limiting.circuit_breaker import CircuitBreaker

STORE_TIMEOUT_SECONDS = 0.25
"""The time that one operation of the store may take before this process counts alone."""


def storage_uri(store_url: str) -> str:
    """Return a redis-py URL in the form of the library `limits`."""
    return f"redis+{store_url}" if store_url.startswith("unix://") else store_url


class SharedWindow:
    """Counts attempts per key within rates such as `5/minute;20/hour`. Blocking: for threads.

    A window starts with its first attempt. Attempts beyond a rate do not extend it, so that a client which waits is
    admitted.
    """

    def __init__(self, store_url: str | None) -> None:
        self._local = FixedWindowRateLimiter(MemoryStorage())
        self._shared = None
        self._breaker = CircuitBreaker("attempts")
        self._lock = threading.Lock()
        if store_url is not None:
            timeouts = {"socket_timeout": STORE_TIMEOUT_SECONDS, "socket_connect_timeout": STORE_TIMEOUT_SECONDS}
            storage = storage_from_string(
                storage_uri(store_url), wrap_exceptions=True, key_prefix="cloudchat-attempts", **timeouts
            )
            self._shared = FixedWindowRateLimiter(storage)

    def count(self, rates: str, key: str) -> float:
        """Count an attempt. Return 0, or the seconds to wait if it is beyond a rate."""
        return self._run(lambda limiter: max(_count(limiter, rate, key) for rate in parse_many(rates)))

    def seconds_to_wait(self, rates: str, key: str) -> float:
        """Return the seconds that the next attempt has to wait, or 0, without counting one."""
        return self._run(lambda limiter: max(_seconds_to_wait(limiter, rate, key) for rate in parse_many(rates)))

    def clear(self, rates: str, key: str) -> None:
        """Forget the attempts of a key."""

        def clear(limiter: FixedWindowRateLimiter) -> float:
            for rate in parse_many(rates):
                limiter.clear(rate, key)
            return 0.0

        self._run(clear)

    def _run(self, operation: Callable[[FixedWindowRateLimiter], float]) -> float:
        if self._shared is not None and self._may_call_store():
            try:
                result = operation(self._shared)
            except StorageError as error:
                with self._lock:
                    self._breaker.failure(time.monotonic(), error)
            else:
                with self._lock:
                    self._breaker.success()
                return result
        with self._lock:  # makes test and count one step for threads, as they are in the store
            return operation(self._local)

    def _may_call_store(self) -> bool:
        with self._lock:
            return self._breaker.allows_call(time.monotonic())


def _count(limiter: FixedWindowRateLimiter, rate: RateLimitItem, key: str) -> float:
    return 0.0 if limiter.hit(rate, key) else _seconds_to_reset(limiter, rate, key)


def _seconds_to_wait(limiter: FixedWindowRateLimiter, rate: RateLimitItem, key: str) -> float:
    return 0.0 if limiter.test(rate, key) else _seconds_to_reset(limiter, rate, key)


def _seconds_to_reset(limiter: FixedWindowRateLimiter, rate: RateLimitItem, key: str) -> float:
    return max(1.0, limiter.get_window_stats(rate, key).reset_time - time.time())
