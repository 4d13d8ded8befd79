"""The broker on Redis 7 or Valkey: one stream a room, written and read by the functions in functions.lua."""

import itertools
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from cloudchat.broker import keys
from cloudchat.broker.append_pipeline import AppendPipeline, pack
from cloudchat.broker.broker import Appended, BrokerUnavailable, Done, Entry, Listener, Page
from cloudchat.broker.high_water_marks import HighWaterMarks
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
        listener: Listener,
        *,
        history_messages: int,
        places: Callable[[], Awaitable[Mapping[str, tuple[str, int]]]],
        settled: Callable[[], None] = lambda: None,
    ) -> None:
        """`places`: what all processes were told of, as far as it is written down; asked with each new connection.

        `settled` is called when no append of this process is under way any more.
        """
        self._keep = history_messages
        self._calls = calls
        self._places = places
        self._pipe = AppendPipeline(url, settled, self._recall)
        self.witness = HighWaterMarks(listener)
        self.subscription = Subscription(url, self.witness)

    @property
    def busy(self) -> bool:
        """Whether appends of this process are under way."""
        return self._pipe.busy

    @property
    def append_seconds(self) -> Histogram:
        """How long the store took to write appends of this process to disk."""
        return self._pipe.seconds

    async def _recall(self) -> None:
        # The store behind the new connection may be an older copy: another process may have been told of more.
        self.witness.recall(await self._places())

    async def run(self) -> None:
        """Keep the subscription. Returns only by cancellation."""
        await self.subscription.run()

    async def close(self) -> None:
        """End the connections of appends; who still waits is told so."""
        await self._pipe.close()

    def append(self, entry: Entry, done: Done) -> None:
        """See `Broker`."""
        room = entry.room
        witness = self.witness

        def answered(outcome: Appended | BrokerUnavailable) -> None:
            if type(outcome) is Appended:
                witness.saw(room, outcome.epoch, outcome.seq)
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
                *witness.known(room),
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
        known = self.witness.known(room)
        return await self._calls.call(function, places, new_epoch(), seq, limit, PAGE_BYTES, *known)

    def _page(self, room: str, reply: Any) -> Page:
        epoch, head, oldest, first, events = reply
        page = Page(epoch.decode(), head, oldest, first, events)
        self.witness.saw(room, page.epoch, head)
        return page


_PROCESS = secrets.token_urlsafe(12)
_count = itertools.count()


def new_epoch() -> str:
    """A name for a numbering, which no other ever had: 96 random bits of this process, and a count.

    Every append brings one along, in case its room is new: asking the kernel for each was 2 % of a busy server.
    """
    return f"{_PROCESS}.{next(_count)}"
