"""One room's event stream in this process: the position delivered so far, and the newest frames."""

import asyncio

import msgspec

from cloudchat.broker.reads import Page
from cloudchat.core.message_fold import without_text
from cloudchat.core.recent_frames import RecentFrames
from cloudchat.core.stream_position import Continuity, StreamPosition, continuity
from cloudchat.protocol import events
from cloudchat.protocol.framing import text_frame

_DELETED = b'{"type":"deleted",'
_EDITED = b'{"type":"edited",'


class _Deleted(msgspec.Struct):
    target: int


class RoomFeed:
    """Accepts events from the subscription and from log reads, and returns each one once and in order.

    It knows no sockets and no store; `Relay` drives it.
    """

    def __init__(self, room: str) -> None:
        self.room = room
        self._head_frame: bytes | None = None
        self.position = StreamPosition("", 0)
        """The last event delivered."""
        self.oldest = 1
        """Seq of the oldest event in the log, as of the last read."""
        self.version = 0
        """The highest version of the room that the store was told, as of the last read."""
        self.recent = RecentFrames(0)
        self.refcount = 0
        """Number of sockets that have joined the room or are joining it."""
        self.subscribed = False
        """Whether the store has confirmed the subscription. Only then may the position be taken from the log."""
        self.opened = asyncio.Event()
        """Set when the position is known."""
        self.event_missed = False
        """Whether an event was received before the position was known."""
        self.next_catch_up: asyncio.Future[None] | None = None
        """Result of the catch-up that has been requested and has not started yet."""
        self.catch_up_task: asyncio.Task[None] | None = None

    def open(self, page: Page) -> None:
        """Start at the end of `page`. No event of it has been delivered to a member."""
        self.recent = RecentFrames(page.last - len(page.events))
        for event in page.events:
            self.recent.append(text_frame(event))
        self.position, self._head_frame = StreamPosition(page.epoch, page.last), None
        self.oldest, self.version = page.oldest, page.version
        self.opened.set()

    @property
    def head_frame(self) -> bytes:
        """The frame of the room's `head`. It is encoded once for each position, and shared by all members."""
        if self._head_frame is None:
            at = self.position
            self._head_frame = text_frame(events.encode(events.Head(room=self.room, epoch=at.epoch, seq=at.seq)))
        return self._head_frame

    def accept(self, epoch: str, seq: int, event: bytes) -> bytes | None:
        """Advance to the event and return its frame if it is the next one; return None for a duplicate.

        Raises `HoleError` if the log must be read first.
        """
        relation = continuity(self.position, epoch, seq)
        if relation is Continuity.HOLE:
            raise HoleError
        if relation is Continuity.DUPLICATE:
            return None
        if event.startswith(_DELETED):
            self._erase_text(msgspec.json.decode(event, type=_Deleted).target)
        frame = text_frame(event)
        self.recent.append(frame)
        self.position, self._head_frame = StreamPosition(epoch, seq), None
        return frame

    def forget_user(self, user_id: str) -> None:
        """Drop the frames up to the newest one that names a user. The log still has their events."""
        named = b'{"id":"%s"' % user_id.encode()
        last = max((seq for seq, frame in self.recent.items() if named in frame), default=0)
        self.recent.drop_before(last + 1)

    def restart(self, page: Page) -> None:
        """Continue at the page's head: the events between the position and the head are lost."""
        self.position, self._head_frame = StreamPosition(page.epoch, page.head), None
        self.oldest = page.oldest
        self.recent = RecentFrames(page.head)

    def _erase_text(self, target: int) -> None:
        """Remove the text of a deleted message, and of its edits, from memory."""
        edit = b'"target":%d,' % target
        for seq, frame in self.recent.items():
            event = frame[frame.index(b'{"type":') :]
            if seq == target or (event.startswith(_EDITED) and edit in event):
                self.recent.redact(seq, text_frame(without_text(event)))


class HoleError(Exception):
    """Events are missing between the feed's position and the new event, or the epoch has changed."""
