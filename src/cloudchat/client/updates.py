"""What a client is told, in order: connection news, room news, and the events themselves."""

from dataclasses import dataclass
from typing import Any

from cloudchat.core.stream_position import StreamPosition

Frame = dict[str, Any]
"""One parsed frame: a JSON object with a `type`."""


@dataclass(frozen=True, slots=True)
class Connected:
    """The server said welcome; `welcome` is its frame."""

    welcome: Frame


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection, or an attempt at one, ended; the next attempt begins in `seconds`."""

    why: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Joined:
    """A room's events follow. `recovered`: without a hole after what came before."""

    room: str
    status: str
    position: StreamPosition


@dataclass(frozen=True, slots=True)
class Gap:
    """Between `last` and the next event of this room something is missing that will not come."""

    room: str
    last: StreamPosition | None
    oldest: int


@dataclass(frozen=True, slots=True)
class RoomEvent:
    """One event of a room's log (`message` and its like): each comes once, in order. `text` is its frame as it came."""

    room: str
    seq: int
    frame: Frame
    text: str


@dataclass(frozen=True, slots=True)
class EphemeralEvent:
    """An ephemeral frame (`typing`, `presence`, `read`, `room_added` …)."""

    frame: Frame


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a command that the user asked for by itself."""

    frame: Frame


@dataclass(frozen=True, slots=True)
class JoinRefused:
    """The server won't let us into a room; it is not asked again."""

    room: str
    code: str
    message: str


Update = Connected | Disconnected | Joined | Gap | RoomEvent | EphemeralEvent | Reply | JoinRefused
