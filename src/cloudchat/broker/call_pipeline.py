"""Send calls that read rooms' logs to the store: all calls of one tick of the event loop in one write.

A client that comes back joins all of its rooms at the same time, and each heartbeat compares every room. redis-py
awaits each reply separately and costs 150 µs of CPU time for each call; here it is about 15.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

import hiredis

from cloudchat.broker.append_pipeline import RECONNECT_SECONDS
from cloudchat.broker.broker import BrokerUnavailable
from cloudchat.broker.outage_log import OutageLog
from cloudchat.broker.redis_connection import ANSWER_SECONDS, RedisConnection, connect, pack
from cloudchat.broker.redis_functions import RedisFunctions

MAX_UNANSWERED = 32
"""Calls sent and not answered. The store buffers their replies, of up to 512 KiB each."""
MAX_UNSENT = 20_000
"""Calls that wait to be sent. More are refused."""

Call = tuple[str | bytes | int, ...]
"""A function's name, the number of its keys, the keys and the arguments: what follows FCALL."""


class CallPipeline:
    """Calls functions over one connection, in order. It connects with the first call, and again after a failure."""

    def __init__(self, url: str, functions: RedisFunctions) -> None:
        """`functions` calls a function that the store does not know, and loads it."""
        self._url = url
        self._functions = functions
        self._unsent: deque[tuple[Call, asyncio.Future[Any]]] = deque()
        self._unanswered: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._connection: RedisConnection | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._flush_scheduled = False
        self._answer_timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._outage = OutageLog(begin="the store cannot be read", end="the store can be read again")

    async def call(self, function: str, keys: Sequence[str], *arguments: str | int) -> Any:
        """Call a function. Raises `BrokerUnavailable` if it takes longer than `ANSWER_SECONDS`."""
        return (await self.call_all([(function, len(keys), *keys, *arguments)]))[0]

    async def call_all(self, calls: Sequence[Call]) -> list[Any]:
        """Make several calls, and return their replies in order. Raises `BrokerUnavailable` if one fails."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                futures = [self._submit(call) for call in calls]
                replies = await asyncio.gather(*futures)
        except TimeoutError as error:
            raise BrokerUnavailable("a call to the store failed: no answer in time") from error
        return [await self._checked(call, reply) for call, reply in zip(calls, replies, strict=True)]

    async def close(self) -> None:
        """Close the connection. Pending calls fail."""
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
        if self._connection is not None:
            self._connection.abort()
        self._fail_pending("the server is shutting down")

    # -- internal -----------------------------------------------------------------------------------------------------

    async def _checked(self, call: Call, reply: Any) -> Any:
        if not isinstance(reply, hiredis.ReplyError):
            return reply
        if "Function not found" not in str(reply):
            raise BrokerUnavailable(f"a call to the store failed: {reply}")
        function, count, *rest = call
        keys = [str(key) for key in rest[: int(count)]]
        return await self._functions.call(str(function), keys, *rest[int(count) :])  # type: ignore[arg-type]  # no bytes

    def _submit(self, call: Call) -> "asyncio.Future[Any]":
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        if self._closed or len(self._unsent) >= MAX_UNSENT:
            future.set_exception(BrokerUnavailable("too many calls are waiting for the store"))
            return future
        self._unsent.append((call, future))
        self._schedule_flush()
        return future

    def _schedule_flush(self) -> None:
        if not self._flush_scheduled:
            self._flush_scheduled = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_scheduled = False
        if self._connection is None:
            if self._connecting is None and not self._closed:
                self._connecting = asyncio.get_running_loop().create_task(self._connect())
            return
        loop = asyncio.get_running_loop()
        now, requests = loop.time(), []
        while self._unsent and len(self._unanswered) < MAX_UNANSWERED:
            call, future = self._unsent.popleft()
            if not future.done():  # its caller may have waited for too long
                requests.append(pack("FCALL", *call))
                self._unanswered.append((now, future))
        self._connection.write(b"".join(requests))
        if self._answer_timer is None and self._unanswered:
            self._answer_timer = loop.call_later(ANSWER_SECONDS, self._check_answers)

    async def _connect(self) -> None:
        try:
            connection = await connect(self._url, self._answer_received, self._connection_lost)
            if connection.lost:  # lost after its last answer: `_connection_lost` was called already
                raise ConnectionError("the store closed the connection")
            self._connection = connection
        except OSError as error:
            self._outage.failed(str(error) or type(error).__name__)
            self._fail_pending("the store cannot be reached")
            await asyncio.sleep(RECONNECT_SECONDS)  # calls that arrive meanwhile wait for the next attempt
        finally:
            self._connecting = None
        if self._unsent:
            self._flush()

    def _answer_received(self, reply: Any) -> None:
        _, future = self._unanswered.popleft()
        self._outage.succeeded()
        if not future.done():
            future.set_result(reply)
        if self._unsent:
            self._schedule_flush()

    def _connection_lost(self) -> None:
        self._connection = None
        self._fail_pending("the connection to the store was lost")

    def _check_answers(self) -> None:
        """Close the connection when the oldest call is unanswered for too long."""
        self._answer_timer = None
        if not self._unanswered:
            return
        loop = asyncio.get_running_loop()
        deadline = self._unanswered[0][0] + ANSWER_SECONDS
        if deadline > loop.time():
            self._answer_timer = loop.call_at(deadline, self._check_answers)
        elif self._connection is not None:
            self._connection.abort()

    def _fail_pending(self, problem: str) -> None:
        futures = [future for _, future in (*self._unanswered, *self._unsent)]
        self._unanswered.clear()
        self._unsent.clear()
        for future in futures:
            if not future.done():
                future.set_exception(BrokerUnavailable(problem))
