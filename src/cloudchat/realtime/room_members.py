"""The members of one room in this process, and what is written to their sockets.

A write costs the system call, 2.2 µs per member as a loop in C, and 0.4 µs more: it calls `send` of sockets that it has
in a tuple, and looks at no other object of a member. With a method call per member that examined the transport, it was
0.9 µs.
"""

from collections.abc import Iterable
from socket import SocketType
from typing import Protocol


class Member(Protocol):
    """A socket in a room."""

    @property
    def direct(self) -> SocketType:
        """A socket object, always the same one. Its `send` raises `OSError` while `push` must be used."""

    def push(self, frames: bytes, *, ephemeral: bool = False) -> None:
        """Send frames. Must not wait and must not raise."""


class RoomMembers:
    """The members, and what they receive with the next flush. `Hub` decides when that is."""

    __slots__ = ("_sockets", "members", "pending", "replies")

    def __init__(self) -> None:
        self.members: dict[SocketType, Member] = {}
        """By their `direct`."""
        self.pending: list[bytes] = []
        """Frames for all members."""
        self.replies: dict[SocketType, list[bytes]] = {}
        """What single members receive before the pending frames. Empty in a large room, which may be held."""
        self._sockets: tuple[SocketType, ...] | None = None
        """The keys of `members`; None after a change."""

    @property
    def sockets(self) -> tuple[SocketType, ...]:
        """The `direct` of all members."""
        if self._sockets is None:
            self._sockets = tuple(self.members)
        return self._sockets

    def add(self, member: Member) -> None:
        """Add a member."""
        self.members[member.direct] = member
        self._sockets = None

    def remove(self, member: Member) -> None:
        """Remove a member, which gets its replies; does nothing if it is not there."""
        if own := self.replies.pop(member.direct, None):
            member.push(b"".join(own))
        if self.members.pop(member.direct, None) is not None:
            self._sockets = None

    def flush(self) -> None:
        """Write the pending frames, to each member in one call with its replies."""
        pending, self.pending = self.pending, []
        frames = pending[0] if len(pending) == 1 else b"".join(pending)
        sockets: Iterable[SocketType] = self.sockets
        if self.replies:
            replies, self.replies = self.replies, {}
            sockets = others = list(sockets)
            for sock, own in replies.items():
                others.remove(sock)
                own.append(frames)
                self.write(b"".join(own), (sock,))
        if frames:
            self.write(frames, sockets)

    def write(self, frames: bytes, sockets: Iterable[SocketType], *, ephemeral: bool = False) -> None:
        """Write frames to some of the members. See `Member.push` for what `ephemeral` means."""
        size = len(frames)
        send = SocketType.send
        incomplete: list[tuple[SocketType, int]] = []
        for sock in sockets:
            try:
                sent = send(sock, frames)
            except OSError:
                sent = 0
            if sent != size:
                incomplete.append((sock, sent))
        # A push may close its own member, which then leaves the room.
        for sock, sent in incomplete:
            self.members[sock].push(frames[sent:], ephemeral=ephemeral and not sent)
