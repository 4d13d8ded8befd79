"""Calls to the store that are not on the path of every message: reads, connection limits, pings.

Redis Functions and not EVALSHA scripts: they survive a restart and a failover of the store.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoPermissionError, OutOfMemoryError, ReadOnlyError, RedisError, ResponseError

from cloudchat.broker.broker import BrokerUnavailable
from cloudchat.broker.redis_connection import ANSWER_SECONDS

MIN_MAJOR_VERSION = 7
"""Of Redis and Valkey. Redis 7 introduced Functions, which number and store a message in one atomic step."""
MAX_CONNECTIONS = 16
PING_SECONDS = 1.0
WRITE_PROBE = ("SETRANGE", "cloudchat:probe", 0, "")
"""Writes nothing, because the value is empty, but is refused like a write: by a store that is full (OOM), that cannot
write its log (MISCONF), or that has become a replica (READONLY). A PING is answered in all three states.
"""


def refusal_of(error: ResponseError) -> str:
    """Return the store's error with its code, which redis-py removes from some."""
    codes = {OutOfMemoryError: "OOM ", ReadOnlyError: "READONLY "}
    return f"{codes.get(type(error), '')}{error}"


class RedisFunctions:
    """Calls Redis Functions through a pool of connections. Every call is bounded in time."""

    def __init__(self, url: str, *, libraries: Sequence[str]) -> None:
        """`libraries` are the sources (Lua) of the functions that `call` may name."""
        self._libraries = libraries
        # Without retries: redis-py's default ones turned one XADD into two entries. With a bounded wait for a free
        # connection: many simultaneous readers wait instead of opening a connection each.
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=MAX_CONNECTIONS,
            timeout=ANSWER_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        self._redis = Redis.from_pool(pool)

    async def call(self, function: str, keys: list[str], *arguments: str | int, seconds: float = ANSWER_SECONDS) -> Any:
        """Call a function, which is one atomic step. Raises `BrokerUnavailable` if it takes longer than `seconds`.

        Loads the libraries and repeats the call if the store does not know the function.
        """
        command = ("FCALL", function, len(keys), *keys, *arguments)
        try:
            async with asyncio.timeout(seconds):
                try:
                    return await self._redis.execute_command(*command)  # type: ignore[no-untyped-call]
                except ResponseError as error:
                    if "Function not found" not in str(error):
                        raise
                    for library in self._libraries:
                        await self._redis.function_load(library, replace=True)
                    return await self._redis.execute_command(*command)  # type: ignore[no-untyped-call]
        except (RedisError, OSError) as error:  # TimeoutError is an OSError
            raise BrokerUnavailable(f"a call to the store failed: {error}") from error

    async def publish(self, channel: str, message: bytes) -> None:
        """Publish a message on a sharded channel. Raises `BrokerUnavailable`."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._redis.execute_command("SPUBLISH", channel, message)  # type: ignore[no-untyped-call]
        except (RedisError, OSError) as error:
            raise BrokerUnavailable(f"a call to the store failed: {error}") from error

    async def probe(self) -> str | None:
        """Return None if the store accepts writes, else the problem as a text for the operator."""
        try:
            async with asyncio.timeout(PING_SECONDS):
                await self._redis.execute_command(*WRITE_PROBE)  # type: ignore[no-untyped-call]
        except NoPermissionError:
            return None  # the store answers, and its user may write with the functions alone
        except ResponseError as error:
            return f"the store does not accept messages: {refusal_of(error)}"
        except (RedisError, OSError) as error:
            return f"the store does not answer: {error}"
        return None

    async def close(self) -> None:
        """Close all connections."""
        await self._redis.aclose()
