"""The broker on Redis 7 or Valkey: each room's log is a stream that Redis Functions write and read (functions/)."""

import asyncio
import math
import secrets
from collections.abc import Callable, Sequence
from typing import Any

from cloudchat.broker import keys
from cloudchat.broker.append_calls import AppendCalls, AppendReply, PendingAppend, event_of
from cloudchat.broker.append_pipeline import AppendPipeline
from cloudchat.broker.archiving.redis_log_archive import RedisLogArchive
from cloudchat.broker.broker import (
    AppendCallback,
    Appended,
    AppendOutcome,
    BrokerUnavailable,
    Change,
    Entry,
    HistoryRange,
    HistoryRows,
    Listener,
    OnSignal,
    Page,
    Unread,
    UnreadQuery,
)
from cloudchat.broker.epochs import new_epoch
from cloudchat.broker.high_water_marks import HighWaterMarks
from cloudchat.broker.log_checkpoint import Load, load_checkpoint
from cloudchat.broker.redis_connection import ANSWER_SECONDS
from cloudchat.broker.redis_functions import RedisFunctions
from cloudchat.broker.subscription import Subscription
from cloudchat.core.histogram import Histogram
from cloudchat.core.message_fold import current_form
from cloudchat.core.stream_position import StreamPosition

MAX_PAGE_BYTES = 512 * 1024
"""The size limit of a page, so that it fits into a reader's send buffer. A larger single event is a separate page."""
MAX_HEAD_AGE_SECONDS = 1.0
"""A `welcome` may be that late on its way to the client, too."""
MAX_CONCURRENT_READS = 16
"""Further readers wait. The store and this process hold at most that many pages for readers at the same time."""


class RedisBroker:
    """Implements `Broker`. Subscriptions receive events only while `run` runs."""

    def __init__(
        self,
        url: str,
        functions: RedisFunctions,
        *,
        history_messages: int,
        load_marks: Load,
    ) -> None:
        """`history_messages` is the number of events that each log keeps, also when they are archived.

        `load_marks` loads the high-water marks that all processes have saved; it is called with each new connection for
        appends.
        """
        self._functions = functions
        self._load_marks = load_marks
        self._heads_read_at: dict[str, float] = {}
        self._free_reads = asyncio.Semaphore(MAX_CONCURRENT_READS)
        self.marks = HighWaterMarks()
        own_channel = keys.process_channel(secrets.token_urlsafe(12))
        self._pipeline = AppendPipeline(
            url,
            AppendCalls(self.marks, history_messages, own_channel),
            on_reply=self._appends_answered,
            before_first_append=self._refresh_marks,
            appends_settled=self._settled,
        )
        self._listener: Listener | None = None
        self.archive = RedisLogArchive(functions, self.marks, history_messages)
        self.subscription = Subscription(url, own_channel)
        self.appends_settled: Callable[[], None] = lambda: None
        """Called when no append of this process is pending any more."""
        self.appended: Callable[[str, int], None] = lambda room, seq: None
        """Called with the room and the seq of each event that this process has appended."""
        self.text_deleted: Callable[[], None] = lambda: None
        """Called when a deletion of this process is on disk."""

    @property
    def appends_pending(self) -> bool:
        """Whether an append of this process is unanswered."""
        return self._pipeline.pending

    @property
    def append_seconds(self) -> Histogram:
        """How long the store took to write the appends of this process to disk."""
        return self._pipeline.append_seconds

    async def run(self, listener: Listener, on_signal: OnSignal) -> None:
        """Keep the subscription, pass its events to `listener` and signals to `on_signal`, until cancelled."""
        self._listener = listener
        await self.subscription.run(_ObservingListener(self.marks, listener), on_signal)

    async def close(self) -> None:
        """Close the connection for appends. Pending appends fail."""
        await self._pipeline.close()

    async def signal(self, message: bytes) -> None:
        """Publish a message to all processes, without a guarantee. Raises `BrokerUnavailable`."""
        await self._functions.publish(keys.SIGNALS, message)

    async def raise_version(self, room: str, version: int) -> None:
        """Refuse appends that carry a lower version of the room from now on. Raises `BrokerUnavailable`."""
        await self._functions.call("cloudchat_raise_version_v4", [keys.meta(room)], version)

    # -- Broker -------------------------------------------------------------------------------------------------------

    def append(self, entry: Entry, on_done: AppendCallback) -> None:
        """See `Broker`."""
        self._pipeline.submit(PendingAppend(entry, on_done))

    def change(self, change: Change, on_done: AppendCallback) -> None:
        """See `Broker`."""

        def answered(outcome: AppendOutcome) -> None:
            if change.event.kind == "deleted" and isinstance(outcome, Appended):
                self.text_deleted()
            on_done(outcome)

        self._pipeline.submit(PendingAppend(change.event, answered, change))

    async def read(self, room: str, after: int, limit: int) -> Page:
        """See `Broker`."""
        reply = await self._read(
            "cloudchat_read_v4",
            room,
            new_epoch(),
            after,
            limit,
            MAX_PAGE_BYTES,
            self._mark(room),
        )
        return self._observed_page(room, reply)

    async def newest(self, room: str, limit: int, max_bytes: int) -> Page:
        """See `Broker`."""
        reply = await self._read(
            "cloudchat_newest_v4",
            room,
            new_epoch(),
            limit,
            max_bytes,
            self._mark(room),
        )
        return self._observed_page(room, reply)

    async def heads(self, rooms: Sequence[str]) -> list[StreamPosition]:
        """See `Broker`."""
        replies = await self._functions.call_all(
            [("cloudchat_head_v4", 2, keys.meta(room), keys.log(room), new_epoch(), self._mark(room)) for room in rooms]
        )
        heads = [StreamPosition(epoch.decode(), seq) for epoch, seq in replies]
        for room, head in zip(rooms, heads, strict=True):
            self.marks.observe_head(room, head.epoch, head.seq)
        return heads

    async def unread(self, user: str, queries: Sequence[UnreadQuery]) -> list[Unread]:
        """See `Broker`."""
        replies = await self._functions.call_all(
            [
                (
                    "cloudchat_unread_v4",
                    2,
                    keys.meta(query.room),
                    keys.log(query.room),
                    new_epoch(),
                    user,
                    query.read.epoch,
                    query.read.seq,
                    self._mark(query.room),
                )
                for query in queries
            ]
        )
        return [Unread(*reply) for reply in replies]

    async def history(self, room: str, wanted: HistoryRange) -> HistoryRows:
        """See `Broker`."""
        before, start = wanted.before, wanted.start
        max_bytes = MAX_PAGE_BYTES // 2 if wanted.rows_before and wanted.rows_from else MAX_PAGE_BYTES
        while True:
            reply = await self._read(
                "cloudchat_history_v4",
                room,
                new_epoch(),
                before,
                wanted.rows_before,
                start,
                wanted.rows_from,
                max_bytes,
                self._mark(room),
            )
            epoch, head, oldest, version, older, more_older, next_older, newer, more_newer, next_newer = reply
            rows = [current_form(*row) for row in [*reversed(older), *newer]]
            found = HistoryRows(epoch.decode(), head, oldest, version, rows, bool(more_older), bool(more_newer))
            self.marks.observe_head(room, found.epoch, head)
            # One call looks at a bounded number of events. Without a row, the reader would not know where to continue.
            if rows or not ((wanted.rows_before and more_older) or (wanted.rows_from and more_newer)):
                return found
            before, start = next_older + 1, next_newer

    async def recent_heads(self, rooms: Sequence[str]) -> list[StreamPosition]:
        """See `Broker`."""
        now = asyncio.get_running_loop().time()
        outdated = [room for room in rooms if now - self._heads_read_at.get(room, -math.inf) > MAX_HEAD_AGE_SECONDS]
        if outdated:
            await self.heads(outdated)
            self._heads_read_at.update(dict.fromkeys(outdated, now))
        return [StreamPosition(*self.marks.get(room)) for room in rooms]

    def subscribe(self, room: str) -> None:
        """See `Broker`."""
        self.subscription.add(room)

    def unsubscribe(self, room: str) -> None:
        """See `Broker`."""
        self.subscription.remove(room)

    # -- internal -----------------------------------------------------------------------------------------------------

    def _observed_page(self, room: str, reply: Any) -> Page:
        epoch, head, oldest, first, events, version = reply
        page = Page(epoch.decode(), head, oldest, first, events, version)
        self.marks.observe_head(room, page.epoch, head)
        return page

    def _mark(self, room: str) -> int:
        return self.marks.get(room)[1]

    def _appends_answered(self, appends: Sequence[PendingAppend], reply: AppendReply) -> None:
        listener = None if reply.published else self._listener
        for append, outcome in zip(appends, reply.outcomes, strict=True):
            if type(outcome) is Appended:
                room, (seq, epoch, _, duplicate) = append.entry.room, outcome
                self.marks.observe_event(room, epoch, seq)
                if not duplicate:
                    self.appended(room, seq)
                    if listener is not None:
                        listener.event_received(room, epoch, seq, event_of(append.entry, epoch, seq))
            append.on_done(outcome)

    def _settled(self) -> None:
        self.appends_settled()

    async def _read(self, function: str, room: str, *arguments: str | int) -> Any:
        """Call a function that reads a room's log. Raises `BrokerUnavailable`."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._free_reads:
                return await self._functions.call(function, [keys.meta(room), keys.log(room)], *arguments)
        except TimeoutError as error:
            raise BrokerUnavailable("too many reads of the store are waiting") from error

    async def _refresh_marks(self) -> None:
        # The store behind a new connection may be an older copy, and another process may have seen more of the log.
        await load_checkpoint(self.marks, self._load_marks)


class _ObservingListener:
    """Updates the high-water marks with each received event, then passes it on."""

    def __init__(self, marks: HighWaterMarks, listener: Listener) -> None:
        self._marks = marks
        self._listener = listener

    def subscribed(self, room: str) -> None:
        self._listener.subscribed(room)

    def event_received(self, room: str, epoch: str, seq: int, event: bytes) -> None:
        self._marks.observe_event(room, epoch, seq)
        self._listener.event_received(room, epoch, seq, event)
