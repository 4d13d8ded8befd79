"""Send appends to the store: all appends of one tick of the event loop in one write, so that they share one fsync.

The store writes each append to disk before it answers (`appendfsync always`). That allows 2.5–3 k appends/s when each
waits for the previous one, and 28–38 k/s when they share an fsync. So nothing here waits for an answer: requests are
sent at the end of each tick, no matter how many are unanswered. All use one connection, which also keeps the order of
one sender's messages.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import hiredis

from cloudchat.broker import keys
from cloudchat.broker.archiving.archive_queue import MAX_ROOMS_PER_CALL, ArchiveQueue
from cloudchat.broker.broker import AppendCallback, Appended, BrokerUnavailable, Refusal, Refused
from cloudchat.broker.functions import FUNCTIONS
from cloudchat.broker.outage_log import OutageLog
from cloudchat.broker.redis_connection import ANSWER_SECONDS, RedisConnection, connect, pack
from cloudchat.core.histogram import Histogram

MAX_PENDING = 20_000
"""Further appends fail immediately. That bounds memory, and they could not be answered in time anyway."""
RECONNECT_SECONDS = 0.1
_DUPLICATE = 1  # the outcome of an append in functions.lua: 0 for a new event; what is above refuses it (`Refusal`)

PackRequest = Callable[[], bytes]
"""Packs a request at the moment when it is sent, so that it contains the newest high-water mark."""


class AppendPipeline:
    """Sends requests on one connection and matches the answers by their order.

    When the connection is lost, every pending append fails, once.
    """

    def __init__(
        self, url: str, *, before_first_append: Callable[[], Awaitable[None]], appends_settled: Callable[[], None]
    ) -> None:
        """`before_first_append` is awaited on each new connection before an append is sent on it; it must not raise.

        `appends_settled` is called when no append is pending any more.
        """
        self._url = url
        self._before_first_append = before_first_append
        self._appends_settled = appends_settled
        self._unsent: list[tuple[str, PackRequest, AppendCallback]] = []
        # None: the answer belongs to a call that enqueues rooms.
        self._unanswered: deque[tuple[float, AppendCallback | None]] = deque()
        self._archive_queue = ArchiveQueue()
        self._connection: RedisConnection | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._flush_scheduled = False
        self._answer_timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._outage = OutageLog(begin="the store does not accept messages", end="the store accepts messages again")
        self.append_seconds = Histogram()
        """Time from sending an append to the store's answer."""

    @property
    def pending(self) -> bool:
        """Whether an append is unsent or unanswered."""
        return bool(self._unanswered or self._unsent)

    def submit(self, room: str, request: PackRequest, on_done: AppendCallback) -> None:
        """Send an append to a room with the others of this tick, or as soon as there is a connection."""
        if self._closed or len(self._unsent) + len(self._unanswered) >= MAX_PENDING:
            on_done(BrokerUnavailable("too many messages are waiting for the store"))
            return
        self._unsent.append((room, request, on_done))
        if not self._flush_scheduled:
            self._flush_scheduled = True
            asyncio.get_running_loop().call_soon(self._flush)

    async def close(self) -> None:
        """Close the connection. Pending appends fail."""
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
        if self._connection is not None:
            self._connection.abort()
        self._fail_pending("the server is shutting down")

    def _flush(self) -> None:
        self._flush_scheduled = False
        if self._connection is None:
            if self._connecting is None:
                self._connecting = asyncio.get_running_loop().create_task(self._connect())
            return
        batch, self._unsent = self._unsent, []
        loop = asyncio.get_running_loop()
        now = loop.time()
        requests: list[bytes] = []
        if due := self._archive_queue.take_due([room for room, _, _ in batch], now):
            requests = self._enqueue_rooms(due, now)
        self._unanswered.extend([(now, on_done) for _, _, on_done in batch])
        requests += [request() for _, request, _ in batch]
        self._connection.write(b"".join(requests))
        if self._answer_timer is None and self._unanswered:
            self._answer_timer = loop.call_later(ANSWER_SECONDS, self._check_answers)

    def _enqueue_rooms(self, rooms: Sequence[str], now: float) -> list[bytes]:
        """Return the calls that put rooms into the archive's queue, and expect their answers."""
        calls = []
        for start in range(0, len(rooms), MAX_ROOMS_PER_CALL):
            part = rooms[start : start + MAX_ROOMS_PER_CALL]
            calls.append(pack("FCALL", "cloudchat_enqueue_rooms_v4", 1, keys.ARCHIVE_QUEUE, *part))
            self._unanswered.append((now, None))
        return calls

    async def _connect(self) -> None:
        """Connect, load the functions and send the unsent appends. If connecting fails, fail them."""
        connection: RedisConnection | None = None
        try:
            connection = await connect(self._url, self._answer_received, self._connection_lost)
            async with asyncio.timeout(ANSWER_SECONDS):  # the store may stop between its first answer and this one
                await connection.request("FUNCTION", "LOAD", "REPLACE", FUNCTIONS)
            await self._before_first_append()
            if connection.lost:  # lost after the last answer: `_connection_lost` was called already
                raise ConnectionError("the store closed the connection")
            self._archive_queue.clear()  # the store may be another one, or an earlier copy
            self._connection = connection
        except (OSError, hiredis.ReplyError) as error:
            self._outage.failed(str(error) or type(error).__name__)
            self._fail_pending("the store cannot be reached")
            # Appends that arrive during this pause wait for the next attempt. Without the pause, each would start one.
            await asyncio.sleep(RECONNECT_SECONDS)
        finally:
            self._connecting = None
            if connection is not None and connection is not self._connection:
                # A store that is full refuses to load the functions: without this, each attempt would leave one more
                # open connection.
                connection.abort()
        if self._unsent:
            self._flush()

    def _answer_received(self, reply: Any) -> None:
        sent_at, on_done = self._unanswered.popleft()
        if on_done is None:
            if isinstance(reply, hiredis.ReplyError):
                self._archive_queue.clear()
            return
        self.append_seconds.observe(asyncio.get_running_loop().time() - sent_at)
        if isinstance(reply, hiredis.ReplyError):
            self._outage.failed(str(reply))
            on_done(BrokerUnavailable(f"the store refused the append: {reply}"))
            if "Function not found" in str(reply) and self._connection is not None:
                self._connection.abort()  # someone flushed the functions: the next connection loads them again
            return
        self._outage.succeeded()
        epoch, detail, outcome = reply
        if outcome > _DUPLICATE:
            on_done(Refused(Refusal(outcome), int(detail)))
        else:
            seq, _, at = detail.decode().partition(" ")
            on_done(Appended(int(seq), epoch.decode(), at, outcome == _DUPLICATE))
        if not self.pending:
            self._appends_settled()

    def _connection_lost(self) -> None:
        self._connection = None
        self._fail_pending("the connection to the store was lost")

    def _check_answers(self) -> None:
        """Close the connection when the oldest append is unanswered for too long."""
        self._answer_timer = None
        if not self._unanswered:
            return
        loop = asyncio.get_running_loop()
        deadline = self._unanswered[0][0] + ANSWER_SECONDS
        if deadline > loop.time():
            self._answer_timer = loop.call_at(deadline, self._check_answers)
        elif self._connection is not None:
            self._connection.abort()

    def _fail_pending(self, message: str) -> None:
        callbacks = [on_done for _, on_done in self._unanswered if on_done is not None]
        callbacks += [on_done for _, _, on_done in self._unsent]
        self._unanswered.clear()
        self._unsent = []
        for on_done in callbacks:
            on_done(BrokerUnavailable(message))
        self._appends_settled()
