"""The newest frames of one room, in memory, so that joins are served without a read of the log.

After a restart all clients of a room join at the same time: they all share these frames.
"""

from collections import deque
from itertools import islice


class RecentFrames:
    """Consecutive frames that end at the room's position. Over its limits (events, bytes) it evicts the oldest."""

    __slots__ = ("_bytes", "_frames", "_last", "_max_bytes", "_max_events")

    def __init__(self, last: int, max_events: int = 256, max_bytes: int = 1 << 19) -> None:
        """Start empty after the event with seq `last`."""
        self._frames: deque[bytes] = deque()
        self._last = last
        self._bytes = 0
        self._max_events = max_events
        self._max_bytes = max_bytes

    @property
    def first(self) -> int:
        """Seq of the oldest frame; the last seq plus one when there is no frame."""
        return self._last - len(self._frames) + 1

    @property
    def size_bytes(self) -> int:
        """The size of all frames together."""
        return self._bytes

    def append(self, frame: bytes) -> None:
        """Add the frame of the next seq."""
        self._frames.append(frame)
        self._last += 1
        self._bytes += len(frame)
        while len(self._frames) > self._max_events or self._bytes > self._max_bytes:
            self._bytes -= len(self._frames.popleft())

    def items(self) -> list[tuple[int, bytes]]:
        """Return all frames with their seqs."""
        return list(enumerate(self._frames, self.first))

    def redact(self, seq: int, frame: bytes) -> None:
        """Replace the frame of an event, whose text was deleted. An event that is not here changes nothing."""
        if self.first <= seq <= self._last:
            index = seq - self.first
            self._bytes += len(frame) - len(self._frames[index])
            self._frames[index] = frame

    def drop_before(self, seq: int) -> None:
        """Drop the frames before `seq`."""
        while self._frames and self.first < seq:
            self._bytes -= len(self._frames.popleft())

    def covers(self, after: int) -> bool:
        """Return whether every event after `after` is here."""
        return after >= self.first - 1

    def after(self, seq: int) -> list[bytes]:
        """Return the frames of all events after `seq`. Call it only when `covers(seq)`."""
        return list(islice(self._frames, max(0, seq + 1 - self.first), None))
