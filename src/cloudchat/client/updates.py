"""The updates that a client reports to its user, in order: changes of the connection and of rooms, and events."""

from dataclasses import dataclass
from typing import Any

from cloudchat.core.stream_position import StreamPosition

Frame = dict[str, Any]
"""One parsed frame: a JSON object with a `type`."""


@dataclass(frozen=True, slots=True)
class Connected:
    """The server accepted the connection. `welcome` is its first frame."""

    welcome: Frame


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection ended, or an attempt to connect failed. The next attempt starts in `retry_in_seconds`."""

    reason: str
    retry_in_seconds: float


@dataclass(frozen=True, slots=True)
class Joined:
    """A room was joined; its events follow. `position` is the newest event of its log.

    `status` is that of the `joined` event: with `recovered` no event is missing between this join and the last one.
    """

    room: str
    status: str
    position: StreamPosition


@dataclass(frozen=True, slots=True)
class Gap:
    """Events between `last` and the next event of this room are lost. `oldest` is the oldest seq of the log."""

    room: str
    last: StreamPosition | None
    oldest: int


@dataclass(frozen=True, slots=True)
class RoomEvent:
    """An event of a room's log, such as `message`. Each comes once, in order. `text` is the frame as received."""

    room: str
    seq: int
    frame: Frame
    text: str


@dataclass(frozen=True, slots=True)
class EphemeralEvent:
    """An event that is not in a room's log. It can be lost."""

    frame: Frame


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply to a request. `ChatClient` consumes it; it does not reach the user."""

    frame: Frame


@dataclass(frozen=True, slots=True)
class JoinRefused:
    """The server refused a join, and a retry cannot succeed."""

    room: str
    code: str
    message: str


Update = Connected | Disconnected | Joined | Gap | RoomEvent | EphemeralEvent | Reply | JoinRefused
