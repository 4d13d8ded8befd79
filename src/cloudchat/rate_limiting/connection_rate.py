"""How often an address, and a user, may open a socket: counted in the store, so that all processes count together.

A moving window: with fixed ones, twice the allowance passes around each full minute, which is when broken clients come.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.aio.strategies import MovingWindowRateLimiter

logger = logging.getLogger(__name__)

STORE_SECONDS = 0.25
"""So long a count in the store may take; then this process counts by itself."""
AT_ONCE = 8
"""Connections to the store; in a storm of connects the library would open one for each."""
AWAY_SECONDS = 5.0
"""So long the store is not asked again, lest every handshake waits for it in vain."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What `rate` says (as in `600/minute`), for each key of one `kind`."""

    kind: str
    rate: RateLimitItem


class ConnectionRateLimit:
    """Asked before anything is asked of the database. Without the store it holds in this process: never open."""

    def __init__(
        self,
        store_url: str | None,
        *,
        per_address: str,
        per_user: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = Allowance("address", parse(per_address))
        self._user = Allowance("user", parse(per_user))
        self._clock = clock
        self._alone = MovingWindowRateLimiter(MemoryStorage())
        self._together = MovingWindowRateLimiter(_storage(store_url)) if store_url else None
        self._away_until = 0.0
        self._free = asyncio.Semaphore(AT_ONCE)

    async def wait_for_address(self, network: str) -> int:
        """Count one socket from this client network. Returns 0, or the seconds to wait."""
        return await self._count(self._address, network)

    async def wait_for_user(self, user_id: str) -> int:
        """Count one socket of this user. Returns 0, or the seconds to wait."""
        return await self._count(self._user, user_id)

    async def _count(self, allowance: Allowance, key: str) -> int:
        limiter = self._together
        if limiter is not None and self._clock() >= self._away_until:
            try:
                async with asyncio.timeout(STORE_SECONDS), self._free:
                    return await _hit(limiter, allowance, key)
            except Exception as problem:  # whatever the library of the store raises when it is away
                self._away_until = self._clock() + AWAY_SECONDS
                logger.warning("connects are counted by this process alone: %s", type(problem).__name__)
        return await _hit(self._alone, allowance, key)


async def _hit(limiter: MovingWindowRateLimiter, allowance: Allowance, key: str) -> int:
    if await limiter.hit(allowance.rate, "cloudchat-connect", allowance.kind, key):
        return 0
    reset_at, _ = await limiter.get_window_stats(allowance.rate, "cloudchat-connect", allowance.kind, key)
    return max(1, min(allowance.rate.get_expiry(), round(reset_at - time.time())))


def _storage(url: str) -> Storage:
    scheme = {"unix": "redis+unix"}.get(url.partition(":")[0], url.partition(":")[0])
    return RedisStorage(
        f"async+{scheme}:{url.partition(':')[2]}",
        implementation="redispy",
        key_prefix="cloudchat",
        socket_timeout=STORE_SECONDS,
        socket_connect_timeout=STORE_SECONDS,
    )
