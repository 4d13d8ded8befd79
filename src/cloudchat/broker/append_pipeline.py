"""Send appends to the store: all appends of one tick of the event loop in one call, so that they share its costs.

The store writes each call to disk before it answers (`appendfsync always`). That allows 2.5–3 k appends/s when each
waits for the previous one, and 28–38 k/s when they share an fsync. So nothing here waits for an answer: calls are sent
at the end of each tick, no matter how many are unanswered. All use one connection, which also keeps the order of one
sender's messages.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import hiredis

from cloudchat.broker import keys
from cloudchat.broker.append_calls import AppendCalls, AppendReply, PendingAppend, read_reply
from cloudchat.broker.archiving.archive_queue import MAX_ROOMS_PER_CALL, ArchiveQueue
from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.broker.connections.outage_log import OutageLog
from cloudchat.broker.connections.redis_connection import ANSWER_SECONDS, RedisConnection, connect, pack
from cloudchat.broker.functions import FUNCTIONS
from cloudchat.core.histogram import Histogram

MAX_PENDING = 20_000
"""Further appends fail immediately. That bounds memory, and they could not be answered in time anyway."""
RECONNECT_SECONDS = 0.1
MAX_APPENDS_PER_CALL = 100
"""The store does nothing else during a call: 2 ms for so many."""

Appends = Sequence[PendingAppend]
OnReply = Callable[[Appends, AppendReply], None]
"""Receives the reply to a call with appends, on the event loop. It must not raise."""


class AppendPipeline:
    """Sends calls on one connection and matches the replies by their order.

    When the connection is lost, every pending append fails, once.
    """

    def __init__(
        self,
        url: str,
        calls: AppendCalls,
        *,
        on_reply: OnReply,
        before_first_append: Callable[[], Awaitable[None]],
        appends_settled: Callable[[], None],
    ) -> None:
        """`on_reply` receives each reply, and passes the outcomes on.

        `before_first_append` is awaited on each new connection before an append is sent on it; it must not raise.
        `appends_settled` is called when no append is pending any more.
        """
        self._url = url
        self._calls = calls
        self._on_reply = on_reply
        self._before_first_append = before_first_append
        self._appends_settled = appends_settled
        self._unsent: list[PendingAppend] = []
        # Without appends: the answer belongs to a call that enqueues rooms.
        self._unanswered: deque[tuple[float, Appends]] = deque()
        self._pending = 0
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
        return self._pending > 0

    def submit(self, append: PendingAppend) -> None:
        """Send an append with the others of this tick, or as soon as there is a connection."""
        if self._closed or self._pending >= MAX_PENDING:
            append.on_done(BrokerUnavailable("too many messages are waiting for the store"))
            return
        self._pending += 1
        self._unsent.append(append)
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
        appends, self._unsent = self._unsent, []
        loop = asyncio.get_running_loop()
        now = loop.time()
        requests: list[bytes] = []
        if due := self._archive_queue.take_due([append.entry.room for append in appends], now):
            requests = self._enqueue_rooms(due, now)
        for group in _groups(appends):
            change = group[0].change
            requests.append(self._calls.pack_appends(group) if change is None else self._calls.pack_change(change))
            self._unanswered.append((now, group))
        self._connection.write(b"".join(requests))
        if self._answer_timer is None and self._unanswered:
            self._answer_timer = loop.call_later(ANSWER_SECONDS, self._check_answers)

    def _enqueue_rooms(self, rooms: Sequence[str], now: float) -> list[bytes]:
        """Return the calls that put rooms into the archive's queue, and expect their answers."""
        calls = []
        for start in range(0, len(rooms), MAX_ROOMS_PER_CALL):
            part = rooms[start : start + MAX_ROOMS_PER_CALL]
            calls.append(pack("FCALL", "cloudchat_enqueue_rooms_v5", 1, keys.ARCHIVE_QUEUE, *part))
            self._unanswered.append((now, ()))
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
        sent_at, appends = self._unanswered.popleft()
        if not appends:
            if isinstance(reply, hiredis.ReplyError):
                self._archive_queue.clear()
            return
        self._pending -= len(appends)
        self.append_seconds.observe(asyncio.get_running_loop().time() - sent_at, len(appends))
        if isinstance(reply, hiredis.ReplyError):
            self._outage.failed(str(reply))
            _fail(appends, f"the store refused the append: {reply}")
            if "Function not found" in str(reply) and self._connection is not None:
                self._connection.abort()  # someone flushed the functions: the next connection loads them again
            return
        self._outage.succeeded()
        self._on_reply(appends, read_reply(appends, reply))
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
        pending = [append for _, appends in self._unanswered for append in appends] + self._unsent
        self._unanswered.clear()
        self._unsent = []
        self._pending = 0
        _fail(pending, message)
        self._appends_settled()


def _groups(appends: Appends) -> Iterator[Appends]:
    """Yield the appends of each call, in order: messages and notices together, each change alone."""
    group: list[PendingAppend] = []
    for append in appends:
        if group and (append.change is not None or len(group) == MAX_APPENDS_PER_CALL):
            yield group
            group = []
        if append.change is not None:
            yield [append]
        else:
            group.append(append)
    if group:
        yield group


def _fail(appends: Appends, message: str) -> None:
    for append in appends:
        append.on_done(BrokerUnavailable(message))
