"""The newest events of one room, kept in memory: joins are served from here, whole herds of them, without the store."""

from collections import deque
from itertools import islice


class RecentEvents:
    """A run of frames without holes that ends at the reader's position. Bounded in events and bytes: the oldest go."""

    __slots__ = ("_bytes", "_frames", "_last", "_max_bytes", "_max_events")

    def __init__(self, last: int, max_events: int = 256, max_bytes: int = 1 << 19) -> None:
        self._frames: deque[bytes] = deque()
        self._last = last
        self._bytes = 0
        self._max_events = max_events
        self._max_bytes = max_bytes

    @property
    def first(self) -> int:
        """Seq of the oldest frame held; one more than the last seq when none is."""
        return self._last - len(self._frames) + 1

    def append(self, frame: bytes) -> None:
        """Add the frame of the next seq."""
        self._frames.append(frame)
        self._last += 1
        self._bytes += len(frame)
        while len(self._frames) > self._max_events or self._bytes > self._max_bytes:
            self._bytes -= len(self._frames.popleft())

    def covers(self, after: int) -> bool:
        """Whether every event after `after` is here."""
        return after >= self.first - 1

    def after(self, seq: int) -> list[bytes]:
        """The frames of all events after `seq`, which `covers(seq)` has confirmed."""
        return list(islice(self._frames, max(0, seq + 1 - self.first), None))
