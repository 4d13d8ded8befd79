"""Deliver events from the broker to the hub, also those appended by other processes, and repair holes.

The subscription is only a wake-up; the log is the truth. The seq of each received event is compared with the last
delivered one. A hole is read from the log before anything newer is delivered. The log is also read when a subscription
starts or comes back (a dropped subscriber misses events without any sign), before each join, and with each heartbeat.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from cloudchat.broker.broker import Broker
from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.broker.reads import Page
from cloudchat.core.histogram import Histogram
from cloudchat.core.stream_position import StreamPosition
from cloudchat.core.timestamps import instant_of
from cloudchat.realtime.feeds.room_feed import HoleError, RoomFeed
from cloudchat.realtime.hub import Hub
from cloudchat.realtime.membership.departures import Departures

Spawn = Callable[[Coroutine[Any, Any, None], str], "asyncio.Task[None]"]
"""Starts a supervised background task with a name."""

logger = logging.getLogger(__name__)

MAX_PAGE_EVENTS = 500
INITIAL_EVENTS = 100
"""Events read when a room is opened, so that all clients that come back after a restart are served from memory."""
INITIAL_BYTES = 64 << 10
"""What these events may take together: with 500 rooms, a client that comes back reads at most half of its budget."""
MAX_HEADS = 500
"""Rooms whose heads are read at once."""
OPEN_TIMEOUT_SECONDS = 5.0


class Relay:
    """The broker's listener, and the owner of this process's `RoomFeed` objects."""

    def __init__(self, broker: Broker, hub: Hub, departures: Departures, spawn: Spawn) -> None:
        self._broker = broker
        self._hub = hub
        self._departures = departures
        self._spawn = spawn
        self._feeds: dict[str, RoomFeed] = {}
        self.holes_repaired = 0
        """Events delivered from a log read because the subscription did not bring them."""
        self.delivery_seconds = Histogram()
        """From an event's timestamp to its delivery here, sampled: every eighth event that is received."""

    # -- feeds --------------------------------------------------------------------------------------------------------

    async def acquire(self, room: str) -> RoomFeed:
        """Return the room's feed, subscribed and at the log's head. Pair each call with `release`.

        Raises `BrokerUnavailable`; then there is nothing to release.
        """
        feed = self._feeds.get(room)
        is_new = feed is None
        if feed is None:
            feed = self._feeds[room] = RoomFeed(room)
            self._broker.subscribe(room)
        feed.refcount += 1
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_SECONDS):
                # Subscribe first, then read: an event appended in between is received twice, but never missed.
                if not feed.subscribed:
                    await feed.opened.wait()
                # The read that opened a new feed came after this call, that of another one may have been earlier.
                if not is_new:
                    await self.catch_up(feed)
        except BaseException as problem:
            self.release(feed)
            if isinstance(problem, TimeoutError):
                raise BrokerUnavailable("the room's events cannot be received now") from problem
            raise
        return feed

    def release(self, feed: RoomFeed) -> None:
        """Drop one reference; with the last one the room is unsubscribed."""
        feed.refcount -= 1
        if feed.refcount == 0:
            del self._feeds[feed.room]
            self._broker.unsubscribe(feed.room)

    def has_feed(self, room: str) -> bool:
        """Return whether the room has a feed, so that `acquire` need not open one."""
        return room in self._feeds

    def forget_user(self, user_id: str) -> None:
        """Drop the events in memory that name a user: the name in the log was replaced."""
        for feed in self._feeds.values():
            feed.forget_user(user_id)

    @property
    def rooms(self) -> int:
        """Number of rooms that have a feed."""
        return len(self._feeds)

    async def heads_of(self, rooms: Iterable[str]) -> dict[str, StreamPosition]:
        """Return the heads of the rooms' logs, from memory for those that have a feed. Raises `BrokerUnavailable`."""
        heads: dict[str, StreamPosition] = {}
        unknown: list[str] = []
        for room in rooms:
            feed = self._feeds.get(room)
            if feed is not None and feed.opened.is_set():
                heads[room] = feed.position
            else:
                unknown.append(room)
        if unknown:
            heads.update(zip(unknown, await self._broker.recent_heads(unknown), strict=True))
        return heads

    # -- the broker's Listener ----------------------------------------------------------------------------------------

    def subscribed(self, room: str) -> None:
        """See `broker.Listener`."""
        feed = self._feeds.get(room)
        if feed is not None:
            feed.subscribed = True
            self._request_catch_up(feed)

    def event_received(self, room: str, epoch: str, seq: int, event: bytes) -> None:
        """See `broker.Listener`."""
        feed = self._feeds.get(room)
        if feed is None:
            return
        if not feed.opened.is_set():
            feed.event_missed = True
            return
        try:
            frame = feed.accept(epoch, seq, event)
        except HoleError:
            self._request_catch_up(feed)
        else:
            if frame is not None:
                self._departures.before_delivery(room, event)
                self._hub.deliver(room, frame)
                if not seq & 7 and (appended_at := instant_of(event)) is not None:
                    self.delivery_seconds.observe(time.time() - appended_at)

    # -- catching up with the log -------------------------------------------------------------------------------------

    def catch_up(self, feed: RoomFeed) -> asyncio.Future[None]:
        """Deliver everything up to the log's current head. The future may fail with `BrokerUnavailable`.

        All callers before a catch-up starts share it: a thousand simultaneous joins cost one read.
        """
        return asyncio.shield(self._request_catch_up(feed))

    def _request_catch_up(self, feed: RoomFeed) -> asyncio.Future[None]:
        if feed.next_catch_up is None:
            feed.next_catch_up = asyncio.get_running_loop().create_future()
            # When no task awaits a catch-up that fails, asyncio must not log "exception was never retrieved".
            feed.next_catch_up.add_done_callback(lambda done: done.cancelled() or done.exception())
        if feed.catch_up_task is None:
            feed.catch_up_task = self._spawn(self._run_catch_ups(feed), f"catch up {feed.room}")
        return feed.next_catch_up

    async def _run_catch_ups(self, feed: RoomFeed) -> None:
        try:
            while (requested := feed.next_catch_up) is not None:
                feed.next_catch_up = None
                try:
                    await self._read_to_head(feed)
                except BrokerUnavailable as problem:
                    requested.set_exception(problem)
                except BaseException:
                    requested.set_exception(BrokerUnavailable("the room's log cannot be read now"))
                    raise
                else:
                    requested.set_result(None)
        finally:
            feed.catch_up_task = None

    async def _read_to_head(self, feed: RoomFeed) -> None:
        if not feed.opened.is_set():
            if not feed.subscribed:
                return
            feed.event_missed = False
            feed.open(await self._broker.newest(feed.room, INITIAL_EVENTS, INITIAL_BYTES))
            if not feed.event_missed:  # an event that arrived before this answer may be newer than the page
                return
        # A released feed may already have a successor that delivers to the same members: stop reading for the old one.
        while feed.refcount:
            at = feed.position
            page = await self._broker.read(feed.room, at.seq, MAX_PAGE_EVENTS)
            if not feed.refcount:
                return
            if page.epoch != at.epoch:
                logger.warning("room %s: the log has a new epoch", feed.room)
                self._restart(feed, page)
            elif self._deliver_page(feed, page):
                return

    def _deliver_page(self, feed: RoomFeed, page: Page) -> bool:
        """Deliver the new events of a page. Return whether the feed has reached the page's head."""
        feed.oldest, feed.version = page.oldest, max(feed.version, page.version)
        feed.recent.drop_before(page.oldest)  # what retention has deleted must not stay in memory
        seq = page.first
        for event in page.events:
            try:
                frame = feed.accept(page.epoch, seq, event)
            except HoleError:
                # The missing events were trimmed before they could be read: they can never be delivered.
                self._restart(feed, page)
                return True
            if frame is not None:
                self.holes_repaired += 1
                self._departures.before_delivery(feed.room, event)
                self._hub.deliver(feed.room, frame)
            seq += 1
        if not page.events and feed.position.seq < page.head:
            self._restart(feed, page)
        return feed.position.seq >= page.head

    def _restart(self, feed: RoomFeed, page: Page) -> None:
        """Continue at the page's head and make all members join again: the events in between are lost.

        The last frame of the members is a `head` that is ahead of them, so that they join again and get the gap.
        It is not sent as an ephemeral frame: a slow member would not receive it, and would stay connected outside of
        the room.
        """
        feed.restart(page)
        self._hub.deliver(feed.room, feed.head_frame)
        self._hub.remove_all(feed.room)

    async def compare_heads(self) -> None:
        """Read the heads of all rooms, and catch up where events are missing."""
        feeds = [feed for feed in self._feeds.values() if feed.opened.is_set()]
        for start in range(0, len(feeds), MAX_HEADS):
            part = feeds[start : start + MAX_HEADS]
            # Without the store, the last delivered position is still what every client of this process should have.
            with contextlib.suppress(BrokerUnavailable):
                heads = await self._broker.heads([feed.room for feed in part])
                behind = [
                    feed
                    for feed, head in zip(part, heads, strict=True)
                    if head.epoch != feed.position.epoch or head.seq > feed.position.seq
                ]
                await asyncio.gather(*map(self.catch_up, behind), return_exceptions=True)
