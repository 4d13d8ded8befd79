"""The sockets of this process, by room, and the fan-out to them.

An event is encoded once and framed once; what arrives for a room within one tick of the loop is joined and written to
each member in one go. Nothing here waits for a member: a slow one has a bounded buffer and is closed when it is full
(websocket_protocol.py), so that it can slow nobody but itself. Measured with 500 members on one core: 37–55 k
deliveries/s with `await websocket.send_text()` per member, ten times that this way; the system call is what is left.

So in a large room it pays to make one round of what would be two: while this process waits for the store to answer
appends, their events are a moment away, and a round to 500 members takes several. It is held for them, briefly.
"""

from collections.abc import Callable
from typing import Protocol


class Member(Protocol):
    """A socket in a room."""

    def push(self, frames: bytes, *, ephemeral: bool = False) -> None:
        """Send frames; must neither wait nor raise."""


class Timer(Protocol):
    """What `call_later` returns."""

    def cancel(self) -> None:
        """Do not call."""


class _Room:
    __slots__ = ("members", "pending", "snapshot")

    def __init__(self) -> None:
        self.members: dict[Member, None] = {}
        self.snapshot: tuple[Member, ...] | None = None
        self.pending: list[bytes] = []


LARGE_ROOM = 64
"""From so many members on, a round takes about as long as the store's answer (10 µs a member, 0.5 ms)."""
HOLD_SECONDS = 0.002


class Hub:
    """Who is in which room here. `call_soon` and `call_later` are the event loop's, or a test's."""

    def __init__(
        self,
        call_soon: Callable[[Callable[[], None]], object],
        call_later: Callable[[float, Callable[[], None]], Timer],
        coming: Callable[[], bool],
    ) -> None:
        """`coming` tells whether events of this process are on their way through the store; see `settle`."""
        self._call_soon = call_soon
        self._call_later = call_later
        self._coming = coming
        self._rooms: dict[str, _Room] = {}
        self._waiting: list[str] = []
        self._scheduled = False
        self._hold: Timer | None = None
        self.delivered = 0
        """Events handed to members, each counted for each."""

    def add(self, room: str, member: Member) -> None:
        """Deliver to `member` from now on: nothing that was delivered before this call reaches it."""
        self.flush(room)
        place = self._rooms.get(room)
        if place is None:
            place = self._rooms[room] = _Room()
        place.members[member] = None
        place.snapshot = None

    def remove(self, room: str, member: Member) -> None:
        """Deliver to `member` no more; harmless if it is not there."""
        place = self._rooms.get(room)
        if place is None or member not in place.members:
            return
        del place.members[member]
        place.snapshot = None
        if not place.members:
            del self._rooms[room]

    def remove_all(self, room: str) -> None:
        """Deliver to nobody in the room, until they are added again."""
        self.flush(room)
        self._rooms.pop(room, None)

    def deliver(self, room: str, frame: bytes) -> None:
        """Send an event's frame to all members, together with whatever else comes in this tick."""
        place = self._rooms.get(room)
        if place is None:
            return
        if not place.pending:
            self._waiting.append(room)
        place.pending.append(frame)
        self._schedule()

    def settle(self) -> None:
        """Nothing is coming any more: what was held may go, with what came in this tick."""
        if self._hold is not None:
            self._schedule()

    def announce(self, room: str, frame: bytes) -> None:
        """Send an ephemeral frame to all members, after what was delivered before; who is behind does not get it."""
        self.flush(room)
        for member in self._snapshot(room):
            member.push(frame, ephemeral=True)

    def flush(self, room: str) -> None:
        """Send what waits for a room now."""
        place = self._rooms.get(room)
        if place is None or not place.pending:
            return
        pending, place.pending = place.pending, []
        frames = pending[0] if len(pending) == 1 else b"".join(pending)
        members = self._snapshot(room)
        self.delivered += len(pending) * len(members)
        for member in members:
            member.push(frames)

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._call_soon(self._flush_due)

    def _flush_due(self) -> None:
        self._scheduled = False
        coming = self._coming()
        waiting, self._waiting = self._waiting, []
        for room in waiting:
            place = self._rooms.get(room)
            if coming and place is not None and len(place.members) >= LARGE_ROOM:
                self._waiting.append(room)
            else:
                self.flush(room)
        if not self._waiting:
            self._let_go()
        elif self._hold is None:
            self._hold = self._call_later(HOLD_SECONDS, self._flush_held)

    def _flush_held(self) -> None:
        """The appends take longer than their company is worth."""
        self._let_go()
        waiting, self._waiting = self._waiting, []
        for room in waiting:
            self.flush(room)

    def _let_go(self) -> None:
        if self._hold is not None:
            self._hold.cancel()
            self._hold = None

    def _snapshot(self, room: str) -> tuple[Member, ...]:
        # A push may close its member, which then leaves the room: so never iterate over the dict itself.
        place = self._rooms.get(room)
        if place is None:
            return ()
        if place.snapshot is None:
            place.snapshot = tuple(place.members)
        return place.snapshot
