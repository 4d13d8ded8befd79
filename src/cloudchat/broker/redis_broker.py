"""The broker on Redis 7 or Valkey: each room's log is a stream that the functions in functions.lua write and read."""

import itertools
import secrets
from collections.abc import Callable
from typing import Any

from cloudchat.broker import keys
from cloudchat.broker.append_pipeline import AppendPipeline
from cloudchat.broker.broker import AppendCallback, Appended, BrokerUnavailable, Entry, Listener, OnSignal, Page
from cloudchat.broker.high_water_marks import HighWaterMarks
from cloudchat.broker.log_checkpoint import Load, load_checkpoint
from cloudchat.broker.redis_connection import pack
from cloudchat.broker.redis_functions import RedisFunctions
from cloudchat.broker.seen_cids import cid_digest
from cloudchat.broker.subscription import Subscription
from cloudchat.core.histogram import Histogram

MAX_PAGE_BYTES = 512 * 1024
"""The size limit of a page, so that it fits into a reader's send buffer. A larger single event is a separate page."""


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
        """`history_messages` is the number of events that each log keeps.

        `load_marks` loads the high-water marks that all processes have saved; it is called with each new connection for
        appends.
        """
        self._history_messages = history_messages
        self._functions = functions
        self._load_marks = load_marks
        self._pipeline = AppendPipeline(url, before_first_append=self._refresh_marks, appends_settled=self._settled)
        self.marks = HighWaterMarks()
        self.subscription = Subscription(url)
        self.appends_settled: Callable[[], None] = lambda: None
        """Called when no append of this process is pending any more."""

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
        await self.subscription.run(_ObservingListener(self.marks, listener), on_signal)

    async def close(self) -> None:
        """Close the connection for appends. Pending appends fail."""
        await self._pipeline.close()

    async def signal(self, message: bytes) -> None:
        """Publish a message to all processes, without a guarantee. Raises `BrokerUnavailable`."""
        await self._functions.publish(keys.SIGNALS, message)

    # -- Broker -------------------------------------------------------------------------------------------------------

    def append(self, entry: Entry, on_done: AppendCallback) -> None:
        """See `Broker`."""
        room = entry.room
        marks = self.marks

        def answered(outcome: Appended | BrokerUnavailable) -> None:
            if type(outcome) is Appended:
                marks.observe(room, outcome.epoch, outcome.seq)
            on_done(outcome)

        def request() -> bytes:
            return pack(
                "FCALL",
                "cloudchat_append_v2",
                4,
                keys.meta(room),
                keys.log(room),
                keys.seen(room),
                keys.channel(room),
                new_epoch(),
                room,
                entry.kind,
                entry.body,
                entry.user,
                entry.cid,
                cid_digest(entry.user, entry.cid),
                entry.at,
                self._history_messages,
                *marks.get(room),
            )

        self._pipeline.submit(request, answered)

    async def read(self, room: str, after: int, limit: int) -> Page:
        """See `Broker`."""
        return await self._read_page("cloudchat_read_v2", room, after, limit)

    async def read_before(self, room: str, before: int, limit: int) -> Page:
        """See `Broker`."""
        return await self._read_page("cloudchat_read_before_v2", room, before, limit)

    def subscribe(self, room: str) -> None:
        """See `Broker`."""
        self.subscription.add(room)

    def unsubscribe(self, room: str) -> None:
        """See `Broker`."""
        self.subscription.remove(room)

    # -- internal -----------------------------------------------------------------------------------------------------

    def _settled(self) -> None:
        self.appends_settled()

    async def _refresh_marks(self) -> None:
        # The store behind a new connection may be an older copy, and another process may have seen more of the log.
        await load_checkpoint(self.marks, self._load_marks)

    async def _read_page(self, function: str, room: str, seq: int, limit: int) -> Page:
        mark = self.marks.get(room)
        reply: Any = await self._functions.call(
            function, [keys.meta(room), keys.log(room)], new_epoch(), seq, limit, MAX_PAGE_BYTES, *mark
        )
        epoch, head, oldest, first, events = reply
        page = Page(epoch.decode(), head, oldest, first, events)
        self.marks.observe(room, page.epoch, head)
        return page


class _ObservingListener:
    """Updates the high-water marks with each received event, then passes it on."""

    def __init__(self, marks: HighWaterMarks, listener: Listener) -> None:
        self._marks = marks
        self._listener = listener

    def subscribed(self, room: str) -> None:
        self._listener.subscribed(room)

    def event_received(self, room: str, epoch: str, seq: int, event: bytes) -> None:
        self._marks.observe(room, epoch, seq)
        self._listener.event_received(room, epoch, seq, event)


_PROCESS = secrets.token_urlsafe(12)
_epoch_numbers = itertools.count()


def new_epoch() -> str:
    """Return a unique name for an epoch: 96 random bits of this process, and a counter.

    Every append sends one, in case its room needs a new epoch. Fresh random bits for each append cost 2 % of the CPU
    time of a busy server.
    """
    return f"{_PROCESS}.{next(_epoch_numbers)}"
