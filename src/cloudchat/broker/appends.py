"""What is appended to a room's log, and the outcomes. `broker.py` says what they guarantee."""

from collections.abc import Callable, Sequence
from enum import Enum

from msgspec import Struct

from cloudchat.broker.connections import BrokerUnavailable


class Entry(Struct, frozen=True):
    """An event to append.

    `body` is the event's JSON after the fields that the store writes, without the opening brace: `"cid":…}`. It is
    compact, without spaces between the parts. `at` is the timestamp in the body. `version` is the room's version with
    which the event was permitted. `slow_mode_ms` is the shortest time between two messages of the user, 0 for none.
    `reply_to` is the seq of the message that it replies to, 0 for none.
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


class ArchivedMessage(Struct, frozen=True):
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


class Change(Struct, frozen=True):
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


class Appended(Struct, frozen=True):
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


class Refused(Struct, frozen=True):
    """An append that was refused. `detail` belongs to the reason."""

    reason: Refusal
    detail: int = 0


AppendOutcome = Appended | Refused | BrokerUnavailable
AppendCallback = Callable[[AppendOutcome], None]
"""Receives the outcome of an append, once, on the event loop. It must not raise."""
