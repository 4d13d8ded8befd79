"""From the broker to the hub: hears what is appended anywhere, and repairs what it did not hear.

Pub/sub wakes, the log is the truth. Each event's seq is checked against the last delivered one; a hole is read from the
log before anything newer is delivered. The log is also read when a subscription begins or comes back (a dropped
subscriber misses events without a sign), before each join, and with each heartbeat.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any

from cloudchat.broker.broker import Broker, BrokerUnavailable, Page
from cloudchat.core.histogram import Histogram
from cloudchat.core.stream_position import StreamPosition
from cloudchat.core.timestamps import instant_of
from cloudchat.protocol import events
from cloudchat.realtime.framing import text_frame
from cloudchat.realtime.hub import Hub
from cloudchat.realtime.room_feed import HoleError, RoomFeed

Spawn = Callable[[Coroutine[Any, Any, None], str], "asyncio.Task[None]"]

logger = logging.getLogger(__name__)

PAGE_EVENTS = 500
RECENT_EVENTS = 100
"""Read when a room is opened, so that the herd after a restart is served from memory."""
OPEN_SECONDS = 5.0


class Relay:
    """The broker's listener, and the owner of this process's `RoomFeed`s."""

    def __init__(self, hub: Hub, spawn: Spawn, heartbeat_seconds: float) -> None:
        self._hub = hub
        self._spawn = spawn
        self._heartbeat_seconds = heartbeat_seconds
        self._feeds: dict[str, RoomFeed] = {}
        self._broker: Broker
        self.holes_repaired = 0
        self.seconds = Histogram()
        """From an event's own time to its delivery here, of every eighth heard."""

    def connect(self, broker: Broker) -> None:
        """Say which broker this relay listens to (each needs the other, so one comes later)."""
        self._broker = broker

    async def open(self, room: str) -> RoomFeed:
        """Care for a room until `close`. Returns when its events are heard and its position is the log's head.

        Raises `BrokerUnavailable`; then nothing is to be closed.
        """
        feed = self._feeds.get(room)
        if feed is None:
            feed = self._feeds[room] = RoomFeed(room)
            self._broker.subscribe(room)
        feed.interest += 1
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                # What was appended before the subscription is read, what is appended after it is heard.
                if not feed.subscribed:
                    await feed.opened.wait()
                # Opened with one page; when its events are large, the log is longer than that.
                await self.check(feed)
        except BaseException as problem:
            self.close(feed)
            if isinstance(problem, TimeoutError):
                raise BrokerUnavailable("the room's events cannot be heard now") from problem
            raise
        return feed

    def close(self, feed: RoomFeed) -> None:
        """One socket less in the room; with the last one the room is forgotten."""
        feed.interest -= 1
        if feed.interest == 0:
            del self._feeds[feed.room]
            self._broker.unsubscribe(feed.room)

    async def head_of(self, room: str) -> StreamPosition:
        """Where a room's log stands, from memory if somebody here is in it. Raises `BrokerUnavailable`."""
        feed = self._feeds.get(room)
        if feed is not None and feed.opened.is_set():
            return feed.position
        page = await self._broker.read(room, 2**53 - 1, 1)
        return StreamPosition(page.epoch, page.head)

    def check(self, feed: RoomFeed) -> asyncio.Future[None]:
        """Bring a feed to where the log is now; the future ends with that, or with `BrokerUnavailable`.

        Whoever asks before a check has begun shares it: a thousand joins at once cost one read.
        """
        return asyncio.shield(self._due_check(feed))

    def _due_check(self, feed: RoomFeed) -> asyncio.Future[None]:
        if feed.next_check is None:
            feed.next_check = asyncio.get_running_loop().create_future()
            # Nobody may be waiting when a check fails: then there is nothing to report.
            feed.next_check.add_done_callback(lambda check: check.cancelled() or check.exception())
        if feed.checking is None:
            feed.checking = self._spawn(self._check(feed), f"check {feed.room}")
        return feed.next_check

    def subscribed(self, room: str) -> None:
        """See `broker.Listener`."""
        feed = self._feeds.get(room)
        if feed is not None:
            feed.subscribed = True
            self._due_check(feed)

    def event_received(self, room: str, epoch: str, seq: int, event: bytes) -> None:
        """See `broker.Listener`."""
        feed = self._feeds.get(room)
        if feed is None or not feed.opened.is_set():
            return
        try:
            frame = feed.take(epoch, seq, event)
        except HoleError:
            self._due_check(feed)
        else:
            if frame is not None:
                self._hub.deliver(room, frame)
                if not seq & 7 and (written_at := instant_of(event)) is not None:
                    self.seconds.observe(time.time() - written_at)

    @property
    def rooms(self) -> int:
        """How many rooms are cared for here."""
        return len(self._feeds)

    async def heartbeat(self) -> None:
        """Check and announce each room's head for ever: the client that is behind it has lost something."""
        while True:
            await asyncio.sleep(self._heartbeat_seconds)
            for feed in list(self._feeds.values()):
                if feed.opened.is_set():
                    self._spawn(self._beat(feed), f"head {feed.room}")

    async def _beat(self, feed: RoomFeed) -> None:
        # Without the store the position delivered last is still the truth about what a client here should have.
        with contextlib.suppress(BrokerUnavailable):
            await self.check(feed)
        if feed.interest:
            self._announce_head(feed)

    async def _check(self, feed: RoomFeed) -> None:
        try:
            while (check := feed.next_check) is not None:
                feed.next_check = None
                try:
                    await self._read_on(feed)
                except BrokerUnavailable as problem:
                    check.set_exception(problem)
                except BaseException:
                    check.set_exception(BrokerUnavailable("the room's log cannot be read now"))
                    raise
                else:
                    check.set_result(None)
        finally:
            feed.checking = None

    async def _read_on(self, feed: RoomFeed) -> None:
        if not feed.opened.is_set():
            if not feed.subscribed:
                return
            head = (await self._broker.read(feed.room, 2**53 - 1, 1)).head
            feed.open(await self._broker.read(feed.room, max(0, head - RECENT_EVENTS), 2 * RECENT_EVENTS))
        # A feed that everybody has left may have a successor by now, which delivers to the same members.
        while feed.interest:
            at = feed.position
            page = await self._broker.read(feed.room, at.seq, PAGE_EVENTS)
            if not feed.interest:
                return
            if page.epoch != at.epoch:
                logger.warning("room %s: the numbering has changed", feed.room)
                self._break(feed, page)
            elif self._absorb(feed, page):
                return

    def _absorb(self, feed: RoomFeed, page: Page) -> bool:
        """Deliver what of `page` is new; tell whether the feed has reached the page's head."""
        feed.oldest = page.oldest
        seq = page.first
        for event in page.events:
            try:
                frame = feed.take(page.epoch, seq, event)
            except HoleError:
                # Trimmed before it could be read: what is missing can't be delivered any more.
                self._break(feed, page)
                return True
            if frame is not None:
                self.holes_repaired += 1
                self._hub.deliver(feed.room, frame)
            seq += 1
        if not page.events and feed.position.seq < page.head:
            self._break(feed, page)
        return feed.position.seq >= page.head

    def _break(self, feed: RoomFeed, page: Page) -> None:
        """What is between the last event and the page's head is lost: members must join again and be told of the gap.

        Their last frame is a `head` that is ahead of them. No ephemeral one, which a slow member would not be sent: a
        member that does not hear it would stay, outside of the room.
        """
        feed.restart(page)
        self._hub.deliver(feed.room, self._head(feed))
        self._hub.remove_all(feed.room)

    def _announce_head(self, feed: RoomFeed) -> None:
        self._hub.announce(feed.room, self._head(feed))

    @staticmethod
    def _head(feed: RoomFeed) -> bytes:
        at = feed.position
        return text_frame(events.encode(events.Head(room=feed.room, epoch=at.epoch, seq=at.seq)))
