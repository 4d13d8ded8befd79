"""The commands of clients: one struct for each command. `command_parser` reads them from frames."""

from typing import Annotated

import msgspec
from msgspec import Meta

from cloudchat.protocol.emoji import MAX_EMOJI_BYTES, is_emoji

MAX_SAFE_INTEGER = 2**53 - 1
"""The largest integer that JavaScript represents exactly (RFC 8259 §6)."""
MAX_ID_CHARS = 64

Id = Annotated[str, Meta(max_length=MAX_ID_CHARS)]
RoomId = Annotated[str, Meta(min_length=1, max_length=64)]
# \Z and not $, because $ would also match before a final newline.
Cid = Annotated[
    str, Meta(pattern=r"^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}\Z")
]
"""A UUID (RFC 9562 §4), with or without hyphens, in upper or lower case. `canonical_cid` is the form that is used."""
CID_PATTERN = "^[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}$"
"""The same for pydantic, in whose expressions `$` is only the end."""
Seq = Annotated[int, Meta(ge=1, le=MAX_SAFE_INTEGER)]
SeqOrZero = Annotated[int, Meta(ge=0, le=MAX_SAFE_INTEGER)]
Limit = Annotated[int, Meta(ge=0, le=500)]
"""A number of events."""
RowLimit = Annotated[int, Meta(ge=1, le=200)]
"""A number of messages and notices."""


class Position(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A client's position in a room: the seq of the last event that it has (0 for none), and that event's epoch."""

    epoch: Id
    seq: SeqOrZero


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="type"):
    """The base of all commands. The reply repeats `id`, at most 64 characters."""

    id: Id | None = None


class Join(Command, frozen=True, kw_only=True, tag="join"):
    """Start to receive a room's events. The reply is `Joined`.

    The replay starts after `after` if the log still has everything that follows, else with the last `limit` events
    (0 to 500).
    """

    room: RoomId
    after: Position | None = None
    limit: Limit = 50


class Leave(Command, frozen=True, kw_only=True, tag="leave"):
    """Stop receiving a room's events. The reply is `Left`."""

    room: RoomId


class LoggedCommand(Command, frozen=True, kw_only=True):
    """The base of the commands that append an event to a room's log. The reply is `Ack`, after the store has written
    the event to disk.

    `cid` is the client's own UUID for this command. A repeated `cid` stores nothing and is acknowledged like the first
    one, so a client may repeat a command whose outcome it does not know.

    All spellings of one UUID are one `cid`: a parsed command has its canonical form, and so have `ack` and event.
    """

    room: RoomId
    cid: Cid

    def __post_init__(self) -> None:
        """Replace the cid by its canonical form. msgspec calls this after decoding."""
        canonical = canonical_cid(self.cid)
        if canonical != self.cid:
            msgspec.structs.force_setattr(self, "cid", canonical)


class Send(LoggedCommand, frozen=True, kw_only=True, tag="send"):
    """Post a message. `reply_to` is the seq of another message."""

    text: str
    reply_to: Seq | None = None


class Edit(LoggedCommand, frozen=True, kw_only=True, tag="edit"):
    """Replace the text of the author's own message with the seq `seq`."""

    seq: Seq
    text: str


class Delete(LoggedCommand, frozen=True, kw_only=True, tag="delete"):
    """Delete the message with the seq `seq`: the author's own one, or as a moderator any. Its text is gone for ever."""

    seq: Seq


class React(LoggedCommand, frozen=True, kw_only=True, tag="react"):
    """Turn the user's reaction with one emoji to the message with the seq `seq` on or off."""

    seq: Seq
    emoji: Annotated[str, Meta(min_length=1, max_length=32)]
    on: bool

    def __post_init__(self) -> None:
        """Reject what is not one emoji. msgspec reports the ValueError as an error of the command."""
        super().__post_init__()
        if not is_emoji(self.emoji):
            raise ValueError(f"an emoji is needed, of at most {MAX_EMOJI_BYTES} bytes - at `$.emoji`")


class History(Command, frozen=True, kw_only=True, tag="history"):
    """Read up to `limit` messages and notices (1 to 200) in their current form: the newest ones before the seq
    `before`, the oldest ones after `after`, or those around `around`. The reply is `HistoryPage`.
    """

    room: RoomId
    before: Seq | None = None
    after: SeqOrZero | None = None
    around: Seq | None = None
    limit: RowLimit = 50

    def __post_init__(self) -> None:
        """Reject any number of positions but one."""
        if [self.before, self.after, self.around].count(None) != 2:
            raise ValueError("exactly one of before, after and around is needed - at `$.before`")


class Read(Command, frozen=True, kw_only=True, tag="read"):
    """Record that the user has read a room up to `seq`. The reply is `ReadAck`; the marker never goes back.

    0 is before the first event.
    """

    room: RoomId
    seq: SeqOrZero


class Unread(Command, frozen=True, kw_only=True, tag="unread"):
    """Count the unread messages in all rooms of the user. The reply is `UnreadCounts`."""


class Typing(Command, frozen=True, kw_only=True, tag="typing"):
    """Tell the room's members that the user is typing. There is no reply."""

    room: RoomId


class Who(Command, frozen=True, kw_only=True, tag="who"):
    """Ask who of the room's members is online. The reply is `Present`."""

    room: RoomId


class Auth(Command, frozen=True, kw_only=True, tag="auth"):
    """Replace the connection's access token with a fresh one of the same user. The reply is `Authenticated`."""

    token: Annotated[str, Meta(max_length=8192)]


class Ping(Command, frozen=True, kw_only=True, tag="ping"):
    """Ask for the server's time. The reply is `Pong`."""


AnyCommand = Join | Leave | Send | Edit | Delete | React | History | Read | Unread | Typing | Who | Auth | Ping


def canonical_cid(cid: str) -> str:
    """Return a valid cid in lower case with hyphens (RFC 9562 §4)."""
    cid = cid.lower()
    if len(cid) != 36:
        digits = cid.replace("-", "")
        cid = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    return cid
