"""The events that the server sends without a command and does not store, and the encoder of all events.

`replies.py` has the replies to commands, `logged_events.py` the events of a room's log. Timestamps are RFC 3339 in UTC
with milliseconds.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from cloudchat.protocol.errors import Error

encoder = msgspec.json.Encoder()


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """The base of all events that are not in a room's log."""


# -- opening ----------------------------------------------------------------------------------------------------------


class User(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A user. `role` (`member`, `moderator` or `admin`) is set only in the user's own `welcome`, `bot` only in the
    events of a log whose author used an API token.
    """

    id: str
    name: str
    role: str | None = None
    bot: bool = False


class RoomState(msgspec.Struct, frozen=True, kw_only=True):
    """One of the user's rooms: the user's role in it, the newest event of its log (`epoch`, `seq`), and the seq of the
    last event that the user has read.

    `muted` is the user's own switch for notifications. `muted_until` is there after a moderator has muted the user:
    when that ends, perhaps in the past, or null if only a moderator ends it. `users` are the other people of a direct
    room, which has no name; it is left out for other rooms.
    """

    id: str
    kind: Annotated[str, Meta(extra_json_schema={"enum": ["public", "private", "direct"]})]
    name: str
    topic: str
    role: Annotated[str, Meta(extra_json_schema={"enum": ["owner", "moderator", "member", "reader"]})]
    archived: bool
    muted: bool
    slow_mode_seconds: int
    epoch: str
    seq: int
    read: int
    muted_until: str | msgspec.UnsetType | None = msgspec.UNSET
    users: list[User] | msgspec.UnsetType = msgspec.UNSET


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The server's limits, so that a client does not learn them from errors."""

    frame_bytes: int = 65536
    """The largest frame that a client may send."""
    text_chars: int = 4000
    """The longest text of a message, in Unicode code points."""
    sends_per_10s: int = 20
    """How many messages one connection may send in 10 seconds."""


class Welcome(Event, frozen=True, kw_only=True, tag="welcome"):
    """The first event on every connection.

    After a lost connection, the client reconnects at random times within `reconnect_within_ms` of each other.
    Every `heartbeat_seconds` a `head` follows for each joined room. A client that receives nothing for twice that time
    has lost its connection.
    """

    connection_id: str = msgspec.field(name="session")
    user: User
    server_time: str
    token_expires_at: str
    heartbeat_seconds: int | float
    reconnect_within_ms: int
    limits: Limits
    rooms: list[RoomState]


# -- ephemeral events: they have no seq and are never stored ----------------------------------------------------------


class Head(Event, frozen=True, kw_only=True, tag="head"):
    """The newest event of a room's log, sent with every heartbeat. A client behind it has missed events and joins the
    room again with its position.
    """

    room: str
    epoch: str
    seq: int


class Read(Event, frozen=True, kw_only=True, tag="read"):
    """The user has read a room up to `seq` in another socket."""

    room: str
    seq: int


class ReadBy(Event, frozen=True, kw_only=True, tag="read_by"):
    """Another user of a direct room has read it up to `seq`."""

    room: str
    user: str
    seq: int


class Presence(Event, frozen=True, kw_only=True, tag="presence"):
    """A member of a room with at most 100 members has opened their first socket anywhere, or closed the last one."""

    room: str
    user: User
    online: bool


class RoomAdded(Event, frozen=True, kw_only=True, tag="room_added"):
    """The user is in a room now. Join it to receive its events."""

    room: RoomState


class RoomChanged(Event, frozen=True, kw_only=True, tag="room_changed"):
    """A room of the user has a new name, topic, role or state."""

    room: RoomState


class RoomRemoved(Event, frozen=True, kw_only=True, tag="room_removed"):
    """The user is no longer in a room: nothing of it follows, and commands on it are answered by `not_found`.

    `banned_until` is there after a ban: when it ends, or null if only a moderator ends it.
    """

    room: str
    banned_until: str | msgspec.UnsetType | None = msgspec.UNSET


class Typing(Event, frozen=True, kw_only=True, tag="typing"):
    """A user is typing in the room: at most one event for each user and room in three seconds."""

    room: str
    user: User


class TokenExpiring(Event, frozen=True, kw_only=True, tag="token_expiring"):
    """The access token expires in 60 seconds. Without an `auth` the server then closes with 4401."""

    token_expires_at: str


class Drain(Event, frozen=True, kw_only=True, tag="drain"):
    """The server is shutting down. The delay in milliseconds is random for each connection, so that its clients do not
    reconnect all at the same time.
    """

    reconnect_after_ms: int


def encode(event: Event | Error) -> bytes:
    """Return the JSON text of one frame."""
    return encoder.encode(event)


__all__ = [
    "Drain",
    "Error",
    "Event",
    "Head",
    "Limits",
    "Presence",
    "Read",
    "ReadBy",
    "RoomAdded",
    "RoomChanged",
    "RoomRemoved",
    "RoomState",
    "TokenExpiring",
    "Typing",
    "User",
    "Welcome",
    "encode",
]
