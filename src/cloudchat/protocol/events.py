"""What the server says: one typed struct an event, one encoder for all of them.

RoomEvent events are not here as a whole: the store writes `type`, `room`, `epoch` and `seq` in front of the body below
(broker/functions.lua), so that the bytes that are stored, replayed and sent live are the same ones.
"""

import msgspec

from cloudchat.protocol.commands import Position
from cloudchat.protocol.errors import Error

encoder = msgspec.json.Encoder()


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """Any event that is no logged one."""


class User(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody. `role` only in one's own `welcome`."""

    id: str
    name: str
    role: str | None = None


class RoomState(msgspec.Struct, frozen=True, kw_only=True):
    """A room in `welcome`: where its log stands and how far the user has read."""

    id: str
    name: str
    kind: str
    epoch: str
    seq: int
    read: int


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What this server takes, so that a client need not find out by errors."""

    frame_bytes: int = 65536
    text_chars: int = 4000
    sends_per_10s: int = 20


class Welcome(Event, frozen=True, kw_only=True, tag="welcome"):
    session: str
    user: User
    server_time: str
    token_expires_at: str
    heartbeat_seconds: int | float
    limits: Limits
    rooms: list[RoomState]


class Joined(Event, frozen=True, kw_only=True, tag="joined"):
    id: str | None = None
    room: str
    status: str
    epoch: str
    seq: int
    oldest: int


class Left(Event, frozen=True, kw_only=True, tag="left"):
    id: str | None = None
    room: str


class Ack(Event, frozen=True, kw_only=True, tag="ack"):
    id: str | None = None
    room: str
    seq: int
    epoch: str
    cid: str
    at: str
    duplicate: bool


class HistoryPage(Event, frozen=True, kw_only=True, tag="history"):
    id: str | None = None
    room: str
    epoch: str
    events: list[msgspec.Raw]
    more: bool


class Authenticated(Event, frozen=True, kw_only=True, tag="authenticated"):
    id: str | None = None
    token_expires_at: str


class Pong(Event, frozen=True, kw_only=True, tag="pong"):
    id: str | None = None
    server_time: str


class Head(Event, frozen=True, kw_only=True, tag="head"):
    room: str
    epoch: str
    seq: int


class TokenExpiring(Event, frozen=True, kw_only=True, tag="token_expiring"):
    token_expires_at: str


class Drain(Event, frozen=True, kw_only=True, tag="drain"):
    reconnect_after_ms: int


class MessageBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a `message` holds after the fields that the store writes."""

    cid: str
    user: User
    text: str
    at: str
    reply_to: int | None = None


def encode(event: Event | Error) -> bytes:
    """The JSON text of one frame."""
    return encoder.encode(event)


__all__ = [
    "Ack",
    "Authenticated",
    "Drain",
    "Error",
    "Event",
    "Head",
    "HistoryPage",
    "Joined",
    "Left",
    "Limits",
    "MessageBody",
    "Pong",
    "Position",
    "RoomState",
    "TokenExpiring",
    "User",
    "Welcome",
    "encode",
]
