"""The broker on Redis 7 or Valkey: one stream a room, written and read by the functions in functions.lua."""

import itertools
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from cloudchat.broker import keys
from cloudchat.broker.append_pipeline import AppendPipeline, pack
from cloudchat.broker.broker import Appended, BrokerUnavailable, Done, Entry, Listener, Page
from cloudchat.broker.high_water_marks import HighWaterMarks, ObservingListener
from cloudchat.broker.redis_functions import RedisFunctions
from cloudchat.broker.subscription import Subscription
from cloudchat.core.histogram import Histogram

PAGE_BYTES = 512 * 1024
"""A page of the log ends here, so that a reader's buffer holds it."""


class RedisBroker:
    """See `Broker` for what it guarantees. `run` must be running for subscriptions to be heard."""

    def __init__(
        self,
        url: str,
        calls: RedisFunctions,
        *,
        history_messages: int,
        load_marks: Callable[[], Awaitable[Mapping[str, tuple[str, int]]]],
    ) -> None:
        """`load_marks` returns the saved high-water marks of all processes; it is awaited with each new connection."""
        self._keep = history_messages
        self._calls = calls
        self._load_marks = load_marks
        self._pipe = AppendPipeline(url, self._settled, self._merge_marks)
        self.marks = HighWaterMarks()
        self.subscription = Subscription(url)
        self.appends_settled: Callable[[], None] = lambda: None
        """Called when no append of this process is pending any more."""

    @property
    def appends_pending(self) -> bool:
        """Whether appends of this process are pending."""
        return self._pipe.busy

    @property
    def append_seconds(self) -> Histogram:
        """How long the store took to write appends of this process to disk."""
        return self._pipe.seconds

    def _settled(self) -> None:
        self.appends_settled()

    async def _merge_marks(self) -> None:
        # The store behind the new connection may be an older copy: another process may have been told of more.
        self.marks.merge(await self._load_marks())

    async def run(self, listener: Listener) -> None:
        """Keep the subscription, and call the listener. Returns only by cancellation."""
        await self.subscription.run(ObservingListener(self.marks, listener))

    async def close(self) -> None:
        """End the connections of appends; who still waits is told so."""
        await self._pipe.close()

    def append(self, entry: Entry, done: Done) -> None:
        """See `Broker`."""
        room = entry.room
        marks = self.marks

        def answered(outcome: Appended | BrokerUnavailable) -> None:
            if type(outcome) is Appended:
                marks.observe(room, outcome.epoch, outcome.seq)
            done(outcome)

        def request() -> bytes:
            return pack(
                "FCALL",
                "cloudchat_append_v1",
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
                entry.at,
                self._keep,
                *marks.get(room),
            )

        self._pipe.submit(request, answered)

    async def read(self, room: str, after: int, limit: int) -> Page:
        """See `Broker`."""
        reply = await self._call("cloudchat_read_v1", room, after, limit)
        return self._page(room, reply)

    async def read_before(self, room: str, before: int, limit: int) -> Page:
        """See `Broker`."""
        reply = await self._call("cloudchat_read_before_v1", room, before, limit)
        return self._page(room, reply)

    def subscribe(self, room: str) -> None:
        """See `Broker`."""
        self.subscription.add(room)

    def unsubscribe(self, room: str) -> None:
        """See `Broker`."""
        self.subscription.remove(room)

    async def _call(self, function: str, room: str, seq: int, limit: int) -> Any:
        places = [keys.meta(room), keys.log(room)]
        known = self.marks.get(room)
        return await self._calls.call(function, places, new_epoch(), seq, limit, PAGE_BYTES, *known)

    def _page(self, room: str, reply: Any) -> Page:
        epoch, head, oldest, first, events = reply
        page = Page(epoch.decode(), head, oldest, first, events)
        self.marks.observe(room, page.epoch, head)
        return page


_PROCESS = secrets.token_urlsafe(12)
_count = itertools.count()


def new_epoch() -> str:
    """A name for a numbering, which no other ever had: 96 random bits of this process, and a count.

    Every append brings one along, in case its room is new: asking the kernel for each was 2 % of a busy server.
    """
    return f"{_PROCESS}.{next(_count)}"
