"""Calls to the store that are not on the path of every message: reads, connection limits, pings.

Redis Functions and not EVALSHA scripts: they survive a restart and a failover of the store.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import hiredis

from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.broker.connections.redis_connection import ANSWER_SECONDS, RedisConnection, connect, pack, parse_info

MIN_MAJOR_VERSION = 7
"""Of Redis and Valkey. Redis 7 introduced Functions, which number and store a message in one atomic step."""
PING_SECONDS = 1.0
REWRITE_LEASE = "cloudchat:file_rewrite"
"""The key of the lease of `start_file_rewrite`; its value is when the rewrite was started."""
WRITE_PROBE = ("SETRANGE", "cloudchat:probe", 0, "")
"""Writes nothing, because the value is empty, but is refused like a write: by a store that is full (OOM), that cannot
write its log (MISCONF), or that has become a replica (READONLY). A PING is answered in all three states.
"""
_Result = TypeVar("_Result")
Call = tuple[str | int, ...]
"""What follows FCALL: a function's name, the number of its keys, the keys, and the arguments."""


class RedisFunctions:
    """Calls Redis Functions. All calls share one connection, without waiting for each other's answers.

    A handshake calls the store two or three times. With redis-py and a connection for each simultaneous call, a call
    took 0.3 ms of CPU time.
    """

    def __init__(self, url: str, *, libraries: Sequence[str]) -> None:
        """`libraries` are the sources (Lua) of the functions that `call` may name."""
        self._url = url
        self._libraries = libraries
        self._connection: RedisConnection | None = None
        self._connecting: asyncio.Task[RedisConnection] | None = None
        self._loading: asyncio.Task[None] | None = None

    async def call(self, function: str, keys: list[str], *arguments: str | int, seconds: float = ANSWER_SECONDS) -> Any:
        """Call a function, which is one atomic step. Raises `BrokerUnavailable` if it takes longer than `seconds`.

        Loads the libraries and repeats the call if the store does not know the function.
        """
        request = pack("FCALL", function, len(keys), *keys, *arguments)
        try:
            async with asyncio.timeout(seconds):
                connection = await self._connected()
                try:
                    return await connection.submit(request)
                except hiredis.ReplyError as error:
                    if "Function not found" not in str(error):
                        raise
                    await self._load_libraries(connection)
                    return await connection.submit(request)
        except (hiredis.ReplyError, OSError) as error:  # TimeoutError is an OSError
            raise BrokerUnavailable(f"a call to the store failed: {error}") from error

    async def call_all(self, calls: Sequence[Call]) -> list[Any]:
        """Make several calls without waiting in between, and return their replies in order.

        They must be harmless when they are repeated. Raises `BrokerUnavailable` if one of them fails.
        """
        requests = [pack("FCALL", *call) for call in calls]
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                connection = await self._connected()
                try:
                    return await asyncio.gather(*map(connection.submit, requests))
                except hiredis.ReplyError as error:
                    if "Function not found" not in str(error):
                        raise
                    await self._load_libraries(connection)
                    return await asyncio.gather(*map(connection.submit, requests))
        except (hiredis.ReplyError, OSError) as error:
            raise BrokerUnavailable(f"a call to the store failed: {error}") from error

    async def publish(self, channel: str, message: bytes) -> None:
        """Publish a message on a sharded channel. Raises `BrokerUnavailable`."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                connection = await self._connected()
                await connection.request("SPUBLISH", channel, message)
        except (hiredis.ReplyError, OSError) as error:
            raise BrokerUnavailable(f"a call to the store failed: {error}") from error

    async def probe(self) -> str | None:
        """Return None if the store accepts writes, else the problem as a text for the operator."""
        try:
            async with asyncio.timeout(PING_SECONDS):
                connection = await self._connected()
                await connection.request(*WRITE_PROBE)
        except hiredis.ReplyError as error:
            if str(error).startswith("NOPERM"):
                return None  # the store answers, and its user may write with the functions alone
            return f"the store does not accept messages: {error}"
        except OSError as error:
            return f"the store does not answer: {error}"
        return None

    async def start_file_rewrite(self, now: float, lease_seconds: int) -> float:
        """Start a rewrite of the append-only file, unless one was started within the lease.

        Return when the last one was started, in seconds since 1970: `now` if it is this one. Raises
        `BrokerUnavailable`.
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                connection = await self._connected()
                lease = "SET", REWRITE_LEASE, repr(now), "NX", "EX", lease_seconds
                if await connection.request(*lease) is None:
                    return float(await connection.request("GET", REWRITE_LEASE) or 0)
                try:
                    await connection.request("BGREWRITEAOF")
                except hiredis.ReplyError:  # one is running that began earlier
                    await connection.request("DEL", REWRITE_LEASE)
                    raise
                return now
        except (hiredis.ReplyError, OSError) as error:
            raise BrokerUnavailable(f"a call to the store failed: {error}") from error

    async def file_rewrite_status(self) -> str:
        """Return the state of the last rewrite of the append-only file: `running`, `ok` or `err`.

        Raises `BrokerUnavailable`.
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                connection = await self._connected()
                found = parse_info(await connection.request("INFO", "persistence"))
        except (hiredis.ReplyError, OSError) as error:
            raise BrokerUnavailable(f"a call to the store failed: {error}") from error
        if found["aof_rewrite_in_progress"] == "1" or found["aof_rewrite_scheduled"] == "1":
            return "running"
        return found["aof_last_bgrewrite_status"]

    async def close(self) -> None:
        """Close the connection. Calls that are unanswered fail."""
        if self._connecting is not None:
            self._connecting.cancel()
        if self._connection is not None:
            self._connection.abort()

    async def _connected(self) -> RedisConnection:
        connection = self._connection
        if connection is not None and not connection.lost:
            if connection.silent_seconds(asyncio.get_running_loop().time()) <= ANSWER_SECONDS:
                return connection
            connection.abort()  # a store that is silent for so long does not answer on this connection any more
        if self._connecting is None:
            self._connecting = _shared(self._connect())
        return await asyncio.shield(self._connecting)

    async def _connect(self) -> RedisConnection:
        try:
            self._connection = await connect(self._url, _unexpected_reply, _connection_lost)
            return self._connection
        finally:
            self._connecting = None

    async def _load_libraries(self, connection: RedisConnection) -> None:
        if self._loading is None:
            self._loading = _shared(self._load(connection))
        await asyncio.shield(self._loading)

    async def _load(self, connection: RedisConnection) -> None:
        try:
            for library in self._libraries:
                await connection.request("FUNCTION", "LOAD", "REPLACE", library)
        finally:
            self._loading = None


def _shared(work: Coroutine[Any, Any, _Result]) -> asyncio.Task[_Result]:
    """Start work for all calls that need it at this moment: after a restart of the store, thousands do."""
    task = asyncio.get_running_loop().create_task(work)
    # When no call waits for a failure any more, asyncio must not log it as "never retrieved".
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task


def _unexpected_reply(_reply: Any) -> None:
    """Ignore a reply that no call expects; the store sends none."""


def _connection_lost() -> None:
    """Do nothing: the calls that are unanswered fail, and the next one connects again."""
