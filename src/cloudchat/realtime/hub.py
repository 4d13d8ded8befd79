"""The members of each room in this process, and the fan-out of events to them.

An event is encoded once and framed once. All frames of a room that arrive within one tick of the event loop are joined
and written to each member in one call. Nothing here waits for a member: a slow member has a bounded send buffer and is
closed when it is full (socket_writes.py), so it cannot slow down others. Measured with 500 members on one core:
37–55 k deliveries/s with `await websocket.send_text()` per member, ten times as many this way.

The reply to a member's append arrives in the same tick as its event, as a rule. In small rooms both are one write: with
10 members it saves one system call in 11.

One flush of a large room with two events is cheaper than two flushes. While appends of this process are pending, their
events will arrive within a moment, and a flush to 500 members takes several milliseconds. So a large room's flush is
held for them, for at most `MAX_HOLD_SECONDS`.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Protocol

from cloudchat.realtime.room_members import Member, RoomMembers

MIN_MEMBERS_TO_HOLD = 64
"""From this size on, a flush takes about as long as the store's answer (10 µs per member; 0.5 ms)."""
MAX_HOLD_SECONDS = 0.002


class Timer(Protocol):
    """A scheduled call."""

    def cancel(self) -> None:
        """Do not make the call."""


class Scheduler(Protocol):
    """What the hub needs of an event loop."""

    def call_soon(self, callback: Callable[[], None], /) -> object:
        """Call `callback` in the next tick."""

    def call_later(self, seconds: float, callback: Callable[[], None], /) -> Timer:
        """Call `callback` after some seconds."""


class RunningLoop:
    """The running event loop as a `Scheduler`; the hub is built before the loop runs."""

    def call_soon(self, callback: Callable[[], None], /) -> object:
        """See `Scheduler`."""
        return asyncio.get_running_loop().call_soon(callback)

    def call_later(self, seconds: float, callback: Callable[[], None], /) -> Timer:
        """See `Scheduler`."""
        return asyncio.get_running_loop().call_later(seconds, callback)


class Appends(Protocol):
    """What the hub needs to know of the broker."""

    @property
    def appends_pending(self) -> bool:
        """Whether the store has not answered all appends of this process yet."""


class Hub:
    """Delivers frames to the members of rooms. `release_held` must be called when no append is pending any more."""

    def __init__(self, scheduler: Scheduler, appends: Appends) -> None:
        self._scheduler = scheduler
        self._appends = appends
        self._rooms: dict[str, RoomMembers] = {}
        self._unflushed: list[str] = []
        self._flush_scheduled = False
        self._hold_timer: Timer | None = None
        self.deliveries = 0
        """Events delivered, counted once per member."""

    def add(self, room: str, member: Member) -> None:
        """Add a member. It receives the events delivered after this call, and none from before."""
        self.flush(room)
        found = self._rooms.get(room)
        if found is None:
            found = self._rooms[room] = RoomMembers()
        found.add(member)

    def remove(self, room: str, member: Member) -> None:
        """Remove a member; does nothing if it is not in the room."""
        found = self._rooms.get(room)
        if found is None:
            return
        found.remove(member)
        if not found.members:
            del self._rooms[room]

    def remove_all(self, room: str) -> None:
        """Flush the room, then remove all its members."""
        self.flush(room)
        self._rooms.pop(room, None)

    def deliver(self, room: str, frame: bytes) -> None:
        """Send the frame of an event to all members, together with everything else that arrives in this tick."""
        found = self._rooms.get(room)
        if found is None:
            return
        if not found.pending and not found.replies:
            self._unflushed.append(room)
        found.pending.append(frame)
        if not self._flush_scheduled:
            self._schedule_flush()

    def reply(self, room: str, member: Member, frame: bytes) -> None:
        """Send a frame to one member in this tick, in one write with the room's events if it is small.

        The member need not be in the room.
        """
        found = self._rooms.get(room)
        if found is None or len(found.members) >= MIN_MEMBERS_TO_HOLD or member.direct not in found.members:
            member.push(frame)
            return
        if not found.pending and not found.replies:
            self._unflushed.append(room)
        found.replies.setdefault(member.direct, []).append(frame)
        if not self._flush_scheduled:
            self._schedule_flush()

    def deliver_ephemeral(self, room: str, frame: bytes, *, skip: Collection[Member] = ()) -> None:
        """Send a frame that may be lost to all members but those to skip, after the events before it.

        Slow members do not receive it.
        """
        self.flush(room)
        found = self._rooms.get(room)
        if found is not None:
            skipped = {member.direct for member in skip}
            sockets = tuple(sock for sock in found.sockets if sock not in skipped) if skipped else found.sockets
            found.write(frame, sockets, ephemeral=True)

    def has(self, room: str, member: Member) -> bool:
        """Return whether a member receives the room's events."""
        found = self._rooms.get(room)
        return found is not None and member.direct in found.members

    def size_of(self, room: str) -> int:
        """Return the number of the room's members in this process."""
        found = self._rooms.get(room)
        return 0 if found is None else len(found.members)

    def release_held(self) -> None:
        """Flush the held rooms, together with everything that arrives in this tick: no append is pending any more."""
        if self._hold_timer is not None and not self._flush_scheduled:
            self._schedule_flush()

    def flush(self, room: str) -> None:
        """Send the room's pending frames now."""
        found = self._rooms.get(room)
        if found is not None and (found.pending or found.replies):
            self.deliveries += len(found.pending) * len(found.members)
            found.flush()

    def _schedule_flush(self) -> None:
        self._flush_scheduled = True
        self._scheduler.call_soon(self._flush_or_hold)

    def _flush_or_hold(self) -> None:
        self._flush_scheduled = False
        appends_pending = self._appends.appends_pending
        rooms, self._unflushed = self._unflushed, []
        for room in rooms:
            found = self._rooms.get(room)
            if appends_pending and found is not None and len(found.members) >= MIN_MEMBERS_TO_HOLD:
                self._unflushed.append(room)
            else:
                self.flush(room)
        if not self._unflushed:
            self._cancel_hold()
        elif self._hold_timer is None:
            self._hold_timer = self._scheduler.call_later(MAX_HOLD_SECONDS, self._flush_all)

    def _flush_all(self) -> None:
        """Flush the held rooms without waiting any longer: appends are slower than MAX_HOLD_SECONDS."""
        self._cancel_hold()
        rooms, self._unflushed = self._unflushed, []
        for room in rooms:
            self.flush(room)

    def _cancel_hold(self) -> None:
        if self._hold_timer is not None:
            self._hold_timer.cancel()
            self._hold_timer = None
