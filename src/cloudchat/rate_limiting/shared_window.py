"""Counting attempts in the store, so that all processes share the count; in this process while the store is away."""

import logging
import threading
import time
from collections.abc import Callable

from limits import RateLimitItem, parse_many
from limits.errors import StorageError
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

STORE_TIMEOUT_SECONDS = 0.25
_LOCAL_SECONDS = 5.0  # after a failure, so that a store that hangs delays one attempt in a while and not each

log = logging.getLogger("cloudchat.auth")


def storage_uri(store_url: str) -> str:
    """A URL of redis-py as the library `limits` writes it."""
    return f"redis+{store_url}" if store_url.startswith("unix://") else store_url


class SharedWindow:
    """Attempts by a key, within rates such as `5/minute;20/hour`. Blocking: for threads.

    Windows begin with the first attempt. Attempts beyond a rate do not prolong it: whoever waits gets through.
    """

    def __init__(self, store_url: str | None) -> None:
        self._local = FixedWindowRateLimiter(MemoryStorage())
        self._shared = None
        self._local_until = 0.0
        self._lock = threading.Lock()
        if store_url is not None:
            timeouts = {"socket_timeout": STORE_TIMEOUT_SECONDS, "socket_connect_timeout": STORE_TIMEOUT_SECONDS}
            storage = storage_from_string(
                storage_uri(store_url), wrap_exceptions=True, key_prefix="cloudchat-attempts", **timeouts
            )
            self._shared = FixedWindowRateLimiter(storage)

    def count(self, rates: str, key: str) -> float:
        """Count an attempt; the seconds to wait if it is beyond a rate, else 0."""
        return self._ask(lambda counter: max(_count(counter, item, key) for item in parse_many(rates)))

    def wait(self, rates: str, key: str) -> float:
        """The same, for the next attempt, without counting one."""
        return self._ask(lambda counter: max(_wait(counter, item, key) for item in parse_many(rates)))

    def forget(self, rates: str, key: str) -> None:
        """Begin from nothing."""

        def forget(counter: FixedWindowRateLimiter) -> float:
            for item in parse_many(rates):
                counter.clear(item, key)
            return 0.0

        self._ask(forget)

    def _ask(self, question: Callable[[FixedWindowRateLimiter], float]) -> float:
        if self._shared is not None and time.monotonic() >= self._local_until:
            try:
                return question(self._shared)
            except StorageError:
                self._local_until = time.monotonic() + _LOCAL_SECONDS
                log.warning("the store does not count attempts; this process counts by itself for now")
        with self._lock:  # test and count are one step for threads, as they are in the store
            return question(self._local)


def _count(counter: FixedWindowRateLimiter, item: RateLimitItem, key: str) -> float:
    return 0.0 if counter.hit(item, key) else _until_reset(counter, item, key)


def _wait(counter: FixedWindowRateLimiter, item: RateLimitItem, key: str) -> float:
    return 0.0 if counter.test(item, key) else _until_reset(counter, item, key)


def _until_reset(counter: FixedWindowRateLimiter, item: RateLimitItem, key: str) -> float:
    return max(1.0, counter.get_window_stats(item, key).reset_time - time.time())
