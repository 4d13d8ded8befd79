"""The updates that a client reports to its user, in order: changes of the connection and of rooms, and events.

The events of a room's log, `RoomEvent` and its kinds, are in `room_events.py`.
"""

import msgspec
from msgspec import Struct

from cloudchat.client.protocol.room_events import Frame, RoomEvent, User
from cloudchat.core.stream_position import StreamPosition


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """A room of the user.

    `kind` is `public`, `private` or `direct`, `role` the user's role in it, `muted` the user's own switch for
    notifications. `seq` was the newest event when the server sent this; `read` is the last event that the user has
    read. `users` are the other people of a direct room, which has no name.

    `muted_until` is set after a moderator has muted the user: when that ends (RFC 3339; a time in the past: it has
    ended), or None if only a moderator ends it. Otherwise it is `msgspec.UNSET`.
    """

    id: str
    kind: str
    name: str
    topic: str
    role: str
    archived: bool
    muted: bool
    slow_mode_seconds: int
    epoch: str
    seq: int
    read: int
    muted_until: str | msgspec.UnsetType | None = msgspec.UNSET
    users: tuple[User, ...] = ()


# -- the connection ---------------------------------------------------------------------------------------------------


class Connected(Struct, frozen=True):
    """The server accepted the connection. `welcome` is its first frame."""

    user: User
    rooms: tuple[Room, ...]
    welcome: Frame


class Disconnected(Struct, frozen=True):
    """The connection ended, or an attempt to connect failed. The next attempt starts in `retry_in_seconds`."""

    reason: str
    retry_in_seconds: float


class Joined(Struct, frozen=True):
    """A room was joined; its events follow. `position` is the newest event of its log.

    `status` is that of the `joined` event: with `recovered` no event is missing between this join and the last one.
    """

    room: str
    status: str
    position: StreamPosition


class Gap(Struct, frozen=True):
    """Events between `last` and the next event of this room are lost. `oldest` is the oldest seq of the log."""

    room: str
    last: StreamPosition | None
    oldest: int


class JoinRefused(Struct, frozen=True):
    """The server refused a join, and a retry cannot succeed."""

    room: str
    code: str
    message: str


# -- ephemeral events: they are not in a room's log, and can be lost --------------------------------------------------


class RoomAdded(msgspec.Struct, frozen=True, kw_only=True):
    """The user is a member of a room now."""

    room: Room


class RoomChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A room of the user has another name, topic, role or state."""

    room: Room


class RoomRemoved(msgspec.Struct, frozen=True, kw_only=True):
    """The user is not a member of the room any more: nothing of it follows.

    `banned_until` is set after a ban: when it ends (RFC 3339), or None if only a moderator ends it. Otherwise it is
    `msgspec.UNSET`.
    """

    room: str
    banned_until: str | msgspec.UnsetType | None = msgspec.UNSET


class ReadElsewhere(msgspec.Struct, frozen=True, kw_only=True):
    """The user has read a room up to `seq`, in another connection."""

    room: str
    seq: int


class ReadBy(msgspec.Struct, frozen=True, kw_only=True):
    """Another user of a direct room has read it up to `seq`. `user` is the id."""

    room: str
    user: str
    seq: int


class Typing(msgspec.Struct, frozen=True, kw_only=True):
    """Someone else is typing in the room."""

    room: str
    user: User


class Presence(msgspec.Struct, frozen=True, kw_only=True):
    """A member of a small room came online, or has gone."""

    room: str
    user: User
    online: bool


class EphemeralEvent(Struct, frozen=True):
    """An ephemeral event of a type that this client does not know."""

    frame: Frame


class Reply(Struct, frozen=True):
    """The reply to a request. `ChatClient` consumes it; it does not reach the user."""

    frame: Frame


KnownEphemeral = RoomAdded | RoomChanged | RoomRemoved | ReadElsewhere | ReadBy | Typing | Presence
Ephemeral = KnownEphemeral | EphemeralEvent
Update = Connected | Disconnected | Joined | Gap | JoinRefused | RoomEvent | Ephemeral | Reply

_EPHEMERAL: dict[str, type[KnownEphemeral]] = {
    "room_added": RoomAdded,
    "room_changed": RoomChanged,
    "room_removed": RoomRemoved,
    "read": ReadElsewhere,
    "read_by": ReadBy,
    "typing": Typing,
    "presence": Presence,
}


def connected(welcome: Frame) -> Connected:
    """Return the update of a `welcome` frame. Raises ValueError if a field is missing or wrong."""
    return Connected(
        msgspec.convert(welcome["user"], User), msgspec.convert(welcome["rooms"], tuple[Room, ...]), welcome
    )


def ephemeral_event(frame: Frame) -> Ephemeral:
    """Return the update of an ephemeral event. Raises ValueError if a field is missing or wrong."""
    kind = _EPHEMERAL.get(frame["type"])
    return EphemeralEvent(frame) if kind is None else msgspec.convert(frame, kind)
