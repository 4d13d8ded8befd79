"""The events of the server: one struct for each event, and one encoder for all of them.

The events of a room's log are only half defined here: the store writes `type`, `room`, `epoch` and `seq` in front of
their bodies (broker/functions/append.lua). So the stored, the replayed and the live event are the same bytes.

Timestamps are RFC 3339 in UTC with milliseconds. A reply's `id` is that of its command; it is left out when the command
had none.
"""

import msgspec

from cloudchat.protocol.errors import Error

encoder = msgspec.json.Encoder()


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """The base of all events that are not in a room's log."""


# -- opening ----------------------------------------------------------------------------------------------------------


class User(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A user. `role` (`member` or `admin`) is set only in the user's own `welcome`, `bot` only in the events of a log
    whose author used an API token.
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


# -- replies ----------------------------------------------------------------------------------------------------------


class Joined(Event, frozen=True, kw_only=True, tag="joined"):
    """The reply to `join`. The events of the replay follow in order, then the live events.

    `status` is a `JoinStatus` (core/stream_position.py). `seq` is the newest event of the log, `oldest` the oldest one;
    `oldest` is `seq` + 1 when the log is empty.
    """

    id: str | None = None
    room: str
    status: str
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


# -- the log ----------------------------------------------------------------------------------------------------------


class MessageBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The fields of a `message` after those that the store writes. `reply_to` is the seq of another message.

    `mentions` are the ids of mentioned users, `mentions_room` says whether the whole room is mentioned.
    """

    cid: str
    user: User
    text: str
    at: str
    reply_to: int | None = None
    mentions: tuple[str, ...] = ()
    mentions_room: bool = False


class EditedBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The fields of an `edited`: the message `target` has a new text, and the mentions of that text only."""

    target: int
    user: User
    text: str
    at: str
    mentions: tuple[str, ...] = ()
    mentions_room: bool = False


class DeletedBody(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a `deleted`: `user` has deleted the message `target`."""

    target: int
    user: User
    at: str


class ReactionBody(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a `reaction`: `user` has turned a reaction to the message `target` on or off."""

    target: int
    user: User
    emoji: str
    on: bool
    at: str


class NoticeBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The fields of a `notice` after those that the store writes: `user` has changed the room or its members.

    `kind` is `created`, `renamed`, `topic`, `joined`, `left`, `added`, `removed`, `role`, `archived` or `restored`.
    `target` is the member that was added, removed or given a role. `value` is the new name, topic or role.
    """

    kind: str
    user: User
    target: User | None = None
    value: str | None = None
    at: str


def encode(event: Event | Error) -> bytes:
    """Return the JSON text of one frame."""
    return encoder.encode(event)


__all__ = [
    "Ack",
    "Authenticated",
    "DeletedBody",
    "Drain",
    "EditedBody",
    "Error",
    "Event",
    "Head",
    "HistoryPage",
    "Joined",
    "Left",
    "Limits",
    "MessageBody",
    "NoticeBody",
    "Pong",
    "Presence",
    "Present",
    "ReactionBody",
    "Read",
    "ReadAck",
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
