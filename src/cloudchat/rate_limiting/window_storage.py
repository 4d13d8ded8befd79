"""The windows of the library `limits`, in a bounded table of the store, or of this process while the store is away.

It is the storage of slowapi and of `SharedWindow`. Blocking: for threads.
"""

import hashlib
import threading
import time
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from limits.storage import Storage

from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.broker.connections.blocking_connection import BlockingFunctions
from cloudchat.rate_limiting.circuit_breaker import CircuitBreaker
from cloudchat.rate_limiting.window_table import WindowTable

FUNCTIONS = files("cloudchat.rate_limiting").joinpath("window_table.lua").read_text()
"""The library of the functions that count windows."""

STORE_TIMEOUT_SECONDS = 0.25
"""The time that one operation of the store may take before this process counts alone."""
SHARD_WINDOWS = 400
"""The store keeps a hash of up to 512 short fields as one compact block: 30 bytes per window."""
MAX_LOCAL_WINDOWS = 20_000
"""Of each table, in this process: 4 MiB."""
_DIGEST_BYTES = 12


class WindowStorage(Storage):
    """One table of at most `shards` × `SHARD_WINDOWS` windows."""

    STORAGE_SCHEME = ["cloudchat"]  # noqa: RUF012 (as the base class declares it)

    def __init__(
        self, uri: str | None = None, wrap_exceptions: bool = False, *, table: str, shards: int, store_url: str = ""
    ) -> None:
        """Without `store_url` this process counts alone. `uri` is slowapi's, and has only the scheme."""
        super().__init__(uri, wrap_exceptions)
        self._table = table
        self._shards = shards
        self._local = WindowTable(MAX_LOCAL_WINDOWS)
        self._lock = threading.Lock()
        self._breaker = CircuitBreaker(f"limits ({table})")
        self._functions: BlockingFunctions | None = None
        if store_url:
            self._functions = BlockingFunctions(store_url, library=FUNCTIONS, seconds=STORE_TIMEOUT_SECONDS)

    # -- limits.storage.Storage ---------------------------------------------------------------------------------------

    @property
    def base_exceptions(self) -> type[Exception]:
        """No error of the store is passed on."""
        return BrokerUnavailable

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add to the count of a key, and return it."""
        digest = _digest_of(key)
        count, _ = self._run(
            lambda: self._call("hit", digest, expiry * 1000, amount, SHARD_WINDOWS),
            lambda now: self._local.hit(digest, expiry, amount, now),
        )
        return count

    def get(self, key: str) -> int:
        """Return the count of a key."""
        return self._read(key)[0]

    def get_expiry(self, key: str) -> float:
        """Return the end of a key's window in seconds since 1970."""
        return time.time() + self._read(key)[1]

    def check(self) -> bool:
        """Return True: without the store, this process counts."""
        return True

    def reset(self) -> int | None:
        """Forget the windows of this process."""
        with self._lock:
            self._local.reset()
        return None

    def clear(self, key: str) -> None:
        """Forget the window of a key."""
        digest = _digest_of(key)

        def clear_locally(now: float) -> tuple[int, float]:
            self._local.clear(digest)
            return 0, 0.0

        def clear_in_store() -> tuple[int, float]:
            self._fcall("clear", digest)
            return 0, 0.0

        self._run(clear_in_store, clear_locally)

    # -- internal -----------------------------------------------------------------------------------------------------

    def _read(self, key: str) -> tuple[int, float]:
        digest = _digest_of(key)
        return self._run(lambda: self._call("read", digest), lambda now: self._local.read(digest, now))

    def _run(
        self, in_store: Callable[[], tuple[int, float]], locally: Callable[[float], tuple[int, float]]
    ) -> tuple[int, float]:
        """Return the count and the seconds left, of the store, or of this process if the store is away or full."""
        if self._functions is not None and self._may_call_store():
            try:
                result = in_store()
            except BrokerUnavailable as error:
                with self._lock:
                    self._breaker.failure(time.monotonic(), error)
            else:
                with self._lock:
                    self._breaker.success()
                return result
        with self._lock:
            return locally(time.monotonic())

    def _may_call_store(self) -> bool:
        with self._lock:
            return self._breaker.allows_call(time.monotonic())

    def _call(self, function: str, digest: bytes, *arguments: int) -> tuple[int, float]:
        count, left_ms = self._fcall(function, digest, *arguments)
        return count, left_ms / 1000

    def _fcall(self, function: str, digest: bytes, *arguments: int) -> Any:
        assert self._functions is not None  # noqa: S101 (`_run` checks it)
        shard = _shard_of(self._table, self._shards, digest)
        return self._functions.call(f"cloudchat_window_{function}_v1", shard, digest, *arguments)


def _digest_of(key: str) -> bytes:
    return hashlib.blake2b(key.encode(errors="replace"), digest_size=_DIGEST_BYTES).digest()


def _shard_of(table: str, shards: int, digest: bytes) -> str:
    return f"cloudchat:{{limits}}:{table}:{int.from_bytes(digest[:2], 'big') % shards}"


def stored_window(table: str, shards: int, key: str) -> tuple[str, bytes]:
    """Return the key and the field of the hash in which the store holds a window."""
    digest = _digest_of(key)
    return _shard_of(table, shards, digest), digest
