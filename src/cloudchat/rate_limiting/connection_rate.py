"""The rate limits on socket handshakes of one address and of one user, counted in the store for all processes together.

The window is a moving one: with fixed windows, twice the rate passes around each full minute, which is when broken
clients reconnect.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.aio.strategies import MovingWindowRateLimiter

from cloudchat.core.client_network import SUBSCRIBER_FACTOR, subscriber_network
from cloudchat.rate_limiting.circuit_breaker import CircuitBreaker
from cloudchat.rate_limiting.window_storage import STORE_TIMEOUT_SECONDS

MAX_STORE_CONNECTIONS = 8
"""Without it, the library would open one connection to the store for each of many simultaneous handshakes."""
_NAMESPACE = "cloudchat-connect"


@dataclass(frozen=True, slots=True)
class _Limit:
    """A rate (such as `600/minute`) for each key of one kind."""

    kind: str
    rate: RateLimitItem


class ConnectionRateLimit:
    """Counts handshakes before the database is used. Without the store it counts in this process alone."""

    def __init__(
        self,
        store_url: str | None,
        *,
        per_address: str,
        per_user: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_address = _Limit("address", parse(per_address))
        amount, _, period = per_address.partition("/")
        self._per_subscriber = _Limit("subscriber", parse(f"{int(amount) * SUBSCRIBER_FACTOR}/{period}"))
        self._per_user = _Limit("user", parse(per_user))
        self._clock = clock
        self._local = MovingWindowRateLimiter(MemoryStorage())
        self._shared = MovingWindowRateLimiter(_storage(store_url)) if store_url else None
        self._breaker = CircuitBreaker("socket handshakes")
        self._free_connections = asyncio.Semaphore(MAX_STORE_CONNECTIONS)

    async def wait_for_address(self, network: str) -> int:
        """Count one handshake from this client network. Return 0, or the seconds to wait."""
        subscriber = subscriber_network(network)
        if subscriber is not None and (seconds := await self._count(self._per_subscriber, subscriber)):
            return seconds
        return await self._count(self._per_address, network)

    async def wait_for_user(self, user_id: str) -> int:
        """Count one handshake of this user. Return 0, or the seconds to wait."""
        return await self._count(self._per_user, user_id)

    async def _count(self, limit: _Limit, key: str) -> int:
        if self._shared is not None and self._breaker.allows_call(self._clock()):
            try:
                async with asyncio.timeout(STORE_TIMEOUT_SECONDS), self._free_connections:
                    seconds = await _hit(self._shared, limit, key)
            except Exception as error:  # an unavailable store: the library passes on any error of its client
                self._breaker.failure(self._clock(), error)
            else:
                self._breaker.success()
                return seconds
        return await _hit(self._local, limit, key)


async def _hit(limiter: MovingWindowRateLimiter, limit: _Limit, key: str) -> int:
    if await limiter.hit(limit.rate, _NAMESPACE, limit.kind, key):
        return 0
    reset_at, _ = await limiter.get_window_stats(limit.rate, _NAMESPACE, limit.kind, key)
    return max(1, min(limit.rate.get_expiry(), round(reset_at - time.time())))


def _storage(url: str) -> Storage:
    return RedisStorage(
        f"async+{storage_uri(url)}",
        implementation="redispy",
        key_prefix="cloudchat",
        socket_timeout=STORE_TIMEOUT_SECONDS,
        socket_connect_timeout=STORE_TIMEOUT_SECONDS,
    )


def storage_uri(store_url: str) -> str:
    """Return a redis-py URL in the form of the library `limits`."""
    return f"redis+{store_url}" if store_url.startswith("unix://") else store_url
