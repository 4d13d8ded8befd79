"""Everything asked of the store off the path of a message: reads, counts, pings. Bounded in time and in connections."""

import asyncio
from importlib.resources import files
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from cloudchat.broker.append_pipeline import FUNCTIONS
from cloudchat.broker.broker import BrokerUnavailable

ANSWER_SECONDS = 3.0
_LIBRARIES = (FUNCTIONS, files("cloudchat.rate_limiting").joinpath("cluster_connection_limit.lua").read_text())


class RedisFunctions:
    """Calls functions.lua's functions through a pool."""

    def __init__(self, url: str) -> None:
        # No retries: redis-py's default ones made two entries of one XADD. A bounded wait for a connection, so that a
        # crowd of readers queues instead of opening a connection each.
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=16,
            timeout=ANSWER_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        self._redis = Redis.from_pool(pool)

    async def call(self, function: str, keys: list[str], *arguments: str | int, seconds: float = ANSWER_SECONDS) -> Any:
        """One atomic step, whose functions are loaded when the store does not know them. Raises `BrokerUnavailable`."""
        command = ("FCALL", function, len(keys), *keys, *arguments)
        try:
            async with asyncio.timeout(seconds):
                try:
                    return await self._redis.execute_command(*command)  # type: ignore[no-untyped-call]
                except ResponseError as problem:
                    if "Function not found" not in str(problem):
                        raise
                    for library in _LIBRARIES:
                        await self._redis.function_load(library, replace=True)
                    return await self._redis.execute_command(*command)  # type: ignore[no-untyped-call]
        except (RedisError, OSError) as problem:  # TimeoutError is an OSError
            raise BrokerUnavailable(f"the store cannot be read: {problem}") from problem

    async def ping(self) -> str | None:
        """What is wrong with the store, for a person, or None."""
        try:
            async with asyncio.timeout(1):
                await self._redis.ping()
        except (RedisError, OSError) as problem:
            return f"the store does not answer: {problem}"
        return None

    async def close(self) -> None:
        """End all connections."""
        await self._redis.aclose()
