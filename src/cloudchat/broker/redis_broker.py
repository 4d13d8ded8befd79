"""The broker on Redis 7 or Valkey: each room's log is a stream that Redis Functions write and read (functions/)."""

import secrets
from collections.abc import Callable, Sequence

from cloudchat.broker import keys
from cloudchat.broker.append_calls import AppendCalls, AppendReply, PendingAppend, event_of
from cloudchat.broker.append_pipeline import AppendPipeline
from cloudchat.broker.appends import AppendCallback, Appended, AppendOutcome, Change, Entry
from cloudchat.broker.archiving.redis_log_archive import RedisLogArchive
from cloudchat.broker.broker import Listener, OnSignal
from cloudchat.broker.connections.redis_functions import RedisFunctions
from cloudchat.broker.numbering.high_water_marks import HighWaterMarks
from cloudchat.broker.numbering.log_checkpoint import Load, load_checkpoint
from cloudchat.broker.redis_reads import RedisLogReader
from cloudchat.broker.subscription import Subscription
from cloudchat.core.histogram import Histogram


class RedisBroker(RedisLogReader):
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
        super().__init__(functions)
        self._load_marks = load_marks
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
        self.appended: Callable[[str, int, bytes], None] = lambda room, seq, event: None
        """Called with the room, the seq and the JSON of each event that this process has appended."""
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
        try:
            await self.subscription.run(_ObservingListener(self.marks, listener), on_signal)
        finally:
            self._listener = None

    async def close(self) -> None:
        """Close the connection for appends. Pending appends fail."""
        await self._pipeline.close()

    async def signal(self, message: bytes) -> None:
        """Publish a message to all processes, without a guarantee. Raises `BrokerUnavailable`."""
        await self._functions.publish(keys.SIGNALS, message)

    async def raise_version(self, room: str, version: int) -> None:
        """Refuse appends that carry a lower version of the room from now on. Raises `BrokerUnavailable`."""
        await self._functions.call("cloudchat_raise_version_v5", [keys.meta(room)], version)

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

    def subscribe(self, room: str) -> None:
        """See `Broker`."""
        self.subscription.add(room)

    def unsubscribe(self, room: str) -> None:
        """See `Broker`."""
        self.subscription.remove(room)

    # -- internal -----------------------------------------------------------------------------------------------------

    def _appends_answered(self, appends: Sequence[PendingAppend], reply: AppendReply) -> None:
        # What the store has published comes by the subscription.
        listener = None if reply.published else self._listener
        for append, outcome in zip(appends, reply.outcomes, strict=True):
            if type(outcome) is Appended:
                room, seq, epoch = append.entry.room, outcome.seq, outcome.epoch
                self.marks.observe_event(room, epoch, seq)
                if not outcome.duplicate:
                    event = event_of(append.entry, epoch, seq)
                    self.appended(room, seq, event)
                    if listener is not None and self.subscription.has(room):
                        listener.event_received(room, epoch, seq, event)
            append.on_done(outcome)

    def _settled(self) -> None:
        self.appends_settled()

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
