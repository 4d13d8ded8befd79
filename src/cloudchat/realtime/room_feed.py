"""One room as this process has delivered it so far: its position in the log, and the newest frames."""

import asyncio

from cloudchat.broker.broker import Page
from cloudchat.core.recent_frames import RecentFrames
from cloudchat.core.stream_position import Continuity, StreamPosition, continuity
from cloudchat.realtime.framing import text_frame


class RoomFeed:
    """Takes events from wherever they come and gives each out once, in order. No sockets, no store."""

    def __init__(self, room: str) -> None:
        self.room = room
        self.position = StreamPosition("", 0)
        self.oldest = 1
        self.recent = RecentFrames(0)
        self.interest = 0
        """How many sockets joined, or are joining."""
        self.subscribed = False
        """Whether its events are being heard: only then may its position be taken from the log."""
        self.opened = asyncio.Event()
        self.next_check: asyncio.Future[None] | None = None
        self.checking: asyncio.Task[None] | None = None

    def open(self, page: Page) -> None:
        """Begin where `page` ends; nobody has been sent anything yet."""
        self.recent = RecentFrames(page.last - len(page.events))
        for event in page.events:
            self.recent.append(text_frame(event))
        self.position = StreamPosition(page.epoch, page.last)
        self.oldest = page.oldest
        self.opened.set()

    def take(self, epoch: str, seq: int, event: bytes) -> bytes | None:
        """The event's frame if it is the next one, else None. Raises `HoleError` when the log must be read first."""
        what = continuity(self.position, epoch, seq)
        if what is Continuity.HOLE:
            raise HoleError
        if what is Continuity.DUPLICATE:
            return None
        frame = text_frame(event)
        self.recent.append(frame)
        self.position = StreamPosition(epoch, seq)
        return frame

    def restart(self, page: Page) -> None:
        """Go on at the page's head: what was before cannot be joined to what comes."""
        self.position = StreamPosition(page.epoch, page.head)
        self.oldest = page.oldest
        self.recent = RecentFrames(page.head)


class HoleError(Exception):
    """Between the feed's position and an event others are missing, or the numbering is another one."""
