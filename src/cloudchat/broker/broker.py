"""The broker's contract: a durable log for each room, and notifications between processes.

**The log.** When `append` or `change` reports `Appended`, then:

- the event is on disk, also after a power failure;
- it has its seq forever: no other event of the room ever has the same one, whatever happens to the store;
- seqs are consecutive, without holes, within an epoch;
- `read` returns it, with the same bytes, until it is archived and `history_messages` newer events have been appended.
  Two things change: when a message is deleted, its text and the texts of its edits become empty; when a user is erased,
  the name.

**The archive.** An event leaves the log only when it is archived (`archiving/log_archive.py`), or is removed on purpose
(`LogArchive.trim_before`). An append to a log with 100,000 more events than `history_messages` is refused
(`UNARCHIVED`).

**Repeated appends.** A (user, room, cid) that was appended in the last 24 hours is not appended again: `append` and
`change` report the position of the first one with `duplicate`. When they report `BrokerUnavailable`, the event may or
may not be in the log. The caller may repeat it with the same cid: it is stored once.

**Changes of messages.** `change` decides in the atomic step that appends the event:

- the target must be a message (`NOT_FOUND`), and not deleted;
- only its author may edit it, only its author or a moderator may delete it (`FORBIDDEN`);
- a message has at most 50 edits, 20 different emoji, and 1,000 reactions (`FULL`);
- a reaction that is already on or off, or a deletion of a deleted message, appends nothing: it is a `duplicate` at the
  position of the target;
- of a message that is older than the log, the caller says what the archive knows (`Change.archived`). Without that, or
  when the archive has taken more events since it was read, the change is refused (`NOT_IN_LOG`). Later changes of the
  message are in the store until they are archived, so that none is overlooked.

**Deletion.** When `change` reports a deletion as `Appended`, no key of the store contains the text any more, not even
as unused bytes of a stream. The append-only file contains it until it is rewritten (`embedded/file_rewrite.py`).

**The version of a room.** SQL decides who may do what in a room, and raises the room's version with each change. Every
append names the version with which it was permitted. The store keeps the highest version that it was told. An append
with a lower one is refused (`STALE`): the permission may have been withdrawn. So an append is either ordered before the
notice of the change in the log, or refused. Reads return the version, so that a reader with an older one can load the
room again. A notice is never refused: it reports a change, which raised the version itself.

**Slow mode.** An append with `slow_mode_ms` is refused while the same user's last message in this room is younger
(`SLOW_MODE`).

**Replies.** An append with `reply_to` is refused if that seq is not of a message (`NOT_REPLIABLE`). The message may be
deleted, or trimmed from the log.

**The epoch.** A room gets a new epoch only when its log may have lost events: it is gone, or was restored to an
earlier state. The numbering continues above the highest seq that any caller has witnessed or found in the archive
(`high_water_marks.py`), and the log begins empty. Events that are left of the earlier numbering are not read with it,
because events between them are missing; they go to the archive.

**Notifications.** A subscription delivers appended events, also those of this process, with low latency and without a
guarantee: it may miss events. The subscriber detects this by the seq of the next event, by `Listener.subscribed` after
each reconnect, or by comparing its position with the log's head. It recovers by reading the log.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol

from cloudchat.core.stream_position import StreamPosition


class BrokerUnavailable(Exception):
    """The store did not answer in time, or refused the call. A retry later is safe."""


class Entry(NamedTuple):
    """An event to append.

    `body` is the event's JSON after the fields that the store writes, without the opening brace: `"cid":…}`. It is
    compact, without spaces between the parts. `at` is the timestamp in the body. `version` is the room's version with
    which the event was permitted. `slow_mode_ms` is the shortest time between two messages of the user, 0 for none.
    `reply_to` is the seq of the message that it replies to, 0 for none.

    A tuple, because a frozen dataclass takes three times as long to create.
    """

    room: str
    user: str
    cid: str
    kind: str
    body: bytes
    at: str
    version: int = 0
    slow_mode_ms: int = 0
    reply_to: int = 0


@dataclass(frozen=True, slots=True)
class ArchivedMessage:
    """What the archive knows of a message when its head is `as_of`, both read in one transaction.

    `at` is the time in the event. `edits` is the number of edits. `reactions` has for each emoji the ids of its users,
    in the order in which they reacted. An `author` that is empty says that there is no such message.
    """

    as_of: int
    author: str
    at: str = ""
    edits: int = 0
    reactions: Sequence[tuple[str, Sequence[str]]] = ()
    is_deleted: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the message with the seq `target`. `event` has the kind `edited`, `deleted` or `reaction`.

    `moderates` says whether the user may delete messages of others. `emoji` and `on` belong to a reaction. `archived`
    is used only if the target is older than the log.
    """

    event: Entry
    target: int
    moderates: bool = False
    emoji: str = ""
    on: bool = False
    archived: ArchivedMessage | None = None


class Appended(NamedTuple):
    """The position of an event in its log. With `duplicate` it was appended earlier, at the time `at`."""

    seq: int
    epoch: str
    at: str
    duplicate: bool


class Refusal(Enum):
    """Why an append was refused. Nothing was stored. The values are those of functions/library.lua."""

    STALE = 2
    """The room has a newer version: load the room's rules again. The detail of `Refused` is the newer version."""
    SLOW_MODE = 3
    """The user's last message is too young. The detail of `Refused` is how many milliseconds to wait."""
    NOT_FOUND = 4
    """The target is not a message, or it is deleted."""
    FORBIDDEN = 5
    """The user may not change this message."""
    FULL = 6
    """The message has too many edits or reactions."""
    NOT_IN_LOG = 7
    """The target is older than the log: repeat the change with what the archive knows now. Its head has to be at least
    the detail of `Refused`, the store's archived head."""
    UNARCHIVED = 8
    """The log is full of events that are not archived, or the archive does not have the target yet: try again later."""
    NOT_REPLIABLE = 9
    """What the message replies to is not a message of the room."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An append that was refused. `detail` belongs to the reason."""

    reason: Refusal
    detail: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """Consecutive events, and the state of the log when they were read.

    `first` is the seq of the first event. `head` is the highest seq that was assigned, 0 before the first event.
    `oldest` is the seq of the log's oldest event, `head` + 1 when it is empty. `version` is the highest version of the
    room that the store was told, 0 for none.
    """

    epoch: str
    head: int
    oldest: int
    first: int
    events: list[bytes]
    version: int = 0

    @property
    def last(self) -> int:
        """Seq of the last event, `first - 1` when there are no events."""
        return self.first + len(self.events) - 1


@dataclass(frozen=True, slots=True)
class HistoryRange:
    """Which messages and notices of a log to return: up to `rows_before` before the seq `before`, and up to `rows_from`
    at and after the seq `start`.
    """

    before: int
    rows_before: int
    start: int
    rows_from: int

    @classmethod
    def before_seq(cls, seq: int, limit: int) -> "HistoryRange":
        """Return the range of the `limit` newest rows before `seq`."""
        return cls(seq, limit, seq, 0)

    @classmethod
    def after_seq(cls, seq: int, limit: int) -> "HistoryRange":
        """Return the range of the `limit` oldest rows after `seq`."""
        return cls(seq + 1, 0, seq + 1, limit)

    @classmethod
    def around_seq(cls, seq: int, limit: int) -> "HistoryRange":
        """Return the range of `limit` rows of which the first ones, up to a half, are before `seq`."""
        return cls(seq, limit // 2, seq, limit - limit // 2)


@dataclass(frozen=True, slots=True)
class HistoryRows:
    """Messages and notices in their current form, oldest first: all events up to the seq `as_of` are folded in.

    `oldest` is the seq of the log's oldest event. `more_before` and `more_after` say whether the log has more of them.
    They may be true for other events only, when there are more than a thousand of those in a row.
    """

    epoch: str
    as_of: int
    oldest: int
    version: int
    rows: list[bytes]
    more_before: bool
    more_after: bool


@dataclass(frozen=True, slots=True)
class UnreadQuery:
    """A room, and up to which position a user has read it."""

    room: str
    read: StreamPosition


@dataclass(frozen=True, slots=True)
class Unread:
    """Messages of others after a position that are not deleted, and those of them that mention the user.

    At most 1,000 are counted, among the newest events of the log. `bytes_scanned` is what the store looked at to count
    them: the events from `first` on. What is after `after` and before `first` is not counted yet.
    """

    messages: int
    mentions: int
    bytes_scanned: int
    version: int
    after: int
    first: int


AppendOutcome = Appended | Refused | BrokerUnavailable
AppendCallback = Callable[[AppendOutcome], None]
"""Receives the outcome of an append, once, on the event loop. It must not raise."""


class Listener(Protocol):
    """Receives the notifications of a subscription, in order, on the event loop. Its methods must not raise."""

    def subscribed(self, room: str) -> None:
        """The room's events are received from now on. Read the log for earlier ones. Called after each reconnect."""

    def event_received(self, room: str, epoch: str, seq: int, event: bytes) -> None:
        """An event was appended, by this or another process."""


OnSignal = Callable[[bytes], None]
"""Receives what `RedisBroker.signal` published, in this or another process, on the event loop. It must not raise."""


class Broker(Protocol):
    """The operations on room logs. The module's docstring states what they guarantee."""

    def append(self, entry: Entry, on_done: AppendCallback) -> None:
        """Append a message or a notice, and report the outcome to `on_done`.

        The appends and changes of one process keep their order.
        """

    def change(self, change: Change, on_done: AppendCallback) -> None:
        """Append a change of a message if the user may make it, and report the outcome to `on_done`."""

    async def read(self, room: str, after: int, limit: int) -> Page:
        """Return the events after the seq `after`: at most `limit`, and fewer when they are large.

        Raises `BrokerUnavailable`.
        """

    async def newest(self, room: str, limit: int, max_bytes: int) -> Page:
        """Return the newest events: at most `limit`, at most `max_bytes` together but at least one.

        Raises `BrokerUnavailable`.
        """

    async def heads(self, rooms: Sequence[str]) -> list[StreamPosition]:
        """Return the position of the newest event of each log. Raises `BrokerUnavailable`."""

    async def unread(self, user: str, queries: Sequence[UnreadQuery]) -> list[Unread]:
        """Count a user's unread messages of several rooms. Raises `BrokerUnavailable`."""

    async def history(self, room: str, wanted: HistoryRange) -> HistoryRows:
        """Return messages and notices in their current form: at most as many as wanted, and fewer when they are large.

        Raises `BrokerUnavailable`.
        """

    async def recent_heads(self, rooms: Sequence[str]) -> list[StreamPosition]:
        """Return the position of the newest event of each log, (epoch, 0) before the first one.

        They contain every event that this process has appended or read; those that other processes have appended within
        the last second may be missing. Raises `BrokerUnavailable`.
        """

    def subscribe(self, room: str) -> None:
        """Start to receive a room's events. `Listener.subscribed` confirms it."""

    def unsubscribe(self, room: str) -> None:
        """Stop receiving a room's events."""
