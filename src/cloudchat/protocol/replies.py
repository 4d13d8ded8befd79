"""The replies to commands. A reply's `id` is that of its command; it is left out when the command had none.

The reply to a rejected command is an `Error` (errors.py).
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from cloudchat.protocol.events import Event, User

JoinStatus = Annotated[str, Meta(extra_json_schema={"enum": ["fresh", "recovered", "gap"]})]
"""The values of `core.stream_position.JoinStatus`."""


class Joined(Event, frozen=True, kw_only=True, tag="joined"):
    """The reply to `join`. The events of the replay follow in order, then the live events.

    `status` says what the replay has (core/stream_position.py). `seq` is the newest event of the log, `oldest` the
    oldest one; `oldest` is `seq` + 1 when the log is empty.
    """

    id: str | None = None
    room: str
    status: JoinStatus
    epoch: str
    seq: int
    oldest: int


class Left(Event, frozen=True, kw_only=True, tag="left"):
    """The reply to `leave`. No event of the room follows."""

    id: str | None = None
    room: str


class Ack(Event, frozen=True, kw_only=True, tag="ack"):
    """The reply to `send`, `edit`, `delete` and `react`: the event is on disk as (`epoch`, `seq`) since `at`.

    `duplicate` says that nothing was broadcast: the event was stored by an earlier command with the same `cid`, or the
    command changes nothing, and the position is that of the message.
    """

    id: str | None = None
    room: str
    seq: int
    epoch: str
    cid: str
    at: str
    duplicate: bool


class HistoryPage(Event, frozen=True, kw_only=True, tag="history"):
    """The reply to `history`: messages and notices in their current form, oldest first.

    All events up to the seq `as_of` are folded into them: a client ignores changes of these messages up to it. The page
    may hold fewer rows than requested when they are large. `more_before` and `more_after` say whether there are others.
    """

    id: str | None = None
    room: str
    epoch: str
    as_of: int
    events: list[msgspec.Raw]
    more_before: bool
    more_after: bool


class ReadAck(Event, frozen=True, kw_only=True, tag="ack"):
    """The reply to `read`: the user has read the room up to `seq`, which is saved."""

    id: str | None = None
    room: str
    seq: int


class UnreadRoom(msgspec.Struct, frozen=True, kw_only=True):
    """The messages of others after the user's read marker, and those of them that mention the user or the room."""

    room: str
    unread: int
    mentions: int


class UnreadCounts(Event, frozen=True, kw_only=True, tag="unread"):
    """The reply to `unread`: every room of the user, in the order of `welcome`. At most 1,000 messages are counted."""

    id: str | None = None
    rooms: list[UnreadRoom]


class Present(Event, frozen=True, kw_only=True, tag="present"):
    """The reply to `who`: up to 200 members of the room that have a socket anywhere, and how many there are."""

    id: str | None = None
    room: str
    users: list[User]
    total: int


class Authenticated(Event, frozen=True, kw_only=True, tag="authenticated"):
    """The reply to `auth`: the new token is in use and expires at `token_expires_at`."""

    id: str | None = None
    token_expires_at: str


class Pong(Event, frozen=True, kw_only=True, tag="pong"):
    """The reply to `ping`."""

    id: str | None = None
    server_time: str
