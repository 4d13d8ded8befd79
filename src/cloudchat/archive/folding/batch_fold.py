"""Fold a batch of a log's events onto what the archive has: the rule of `core.message_fold`, for rows of SQL. No I/O.

The repository loads the targets of the batch's changes, folds, and writes what `BatchFold` has collected. A message of
the archive can have a thousand reactions, so only those of the users in the batch are loaded, and a count of all.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from msgspec import Struct, field

from cloudchat.archive.archived_event import MENTIONS, ArchivedEvent, from_log
from cloudchat.core.stream_position import StreamPosition
from cloudchat.core.timestamps import milliseconds_of

ReactionKey = tuple[int, str, str]
"""(seq of the message, emoji, user id)."""
Reaction = tuple[int, int]
"""(`emoji_seq`, `reaction_seq`), see `archived_reactions`."""


class LogBatch(Struct, frozen=True):
    """Consecutive events of a room's log, the first ones that are not in the archive, whose head is `after`."""

    room: str
    after: int
    events: Sequence[bytes]


class NotFolded(Enum):
    """Why a batch was not folded. The archive is unchanged then."""

    MOVED = "moved"
    """Another process has folded these events: read the head again."""
    UNKNOWN_ROOM = "unknown room"
    """The database does not have the room."""
    FAILED = "failed"
    """The events cannot be folded, for a reason that is logged. Other rooms are not affected."""


FoldOutcome = StreamPosition | NotFolded
"""The new head of the room's archive, or why it is the old one."""


class EmojiUse(Struct):
    """How many users have reacted to a message with an emoji, and the seq since which it has had this emoji."""

    count: int = 0
    since: int = 0


class EarlierText(Struct, frozen=True):
    """A text that the edit with the seq `edit_seq` has replaced, and the time from which it was the text."""

    seq: int
    edit_seq: int
    at: float
    text: str


class Targets(Struct):
    """What the archive has of the messages that a batch changes."""

    events: dict[int, ArchivedEvent] = field(default_factory=dict)
    uses: dict[tuple[int, str], EmojiUse] = field(default_factory=dict)
    reactions: dict[ReactionKey, Reaction] = field(default_factory=dict)


class BatchFold:
    """Folds events in the order of their seqs. Its attributes are what must be written."""

    def __init__(self, targets: Targets, registered: frozenset[str]) -> None:
        """`registered`: see `archived_event.from_log`."""
        self._registered = registered
        self._archived = targets.events
        self._uses = targets.uses
        self._before = targets.reactions
        self._after = dict(targets.reactions)
        self.added: dict[int, ArchivedEvent] = {}
        self.changed: dict[int, ArchivedEvent] = {}
        """Events that the archive has already."""
        self.deleted: set[int] = set()
        """Messages of which the archive may have reactions and earlier texts."""
        self.earlier_texts: list[EarlierText] = []

    def apply(self, event: Mapping[str, Any]) -> None:
        """Fold one event. A change of a message that is unknown or deleted has no effect."""
        match event["type"]:
            case "message" | "notice":
                self.added[event["seq"]] = from_log(event, self._registered)
            case "edited" | "deleted" | "reaction":
                self._change(event)

    @property
    def removed_reactions(self) -> list[ReactionKey]:
        """The reactions that the archive has and that are gone or have another place now."""
        return [key for key, reaction in self._before.items() if self._after.get(key) != reaction]

    @property
    def added_reactions(self) -> list[tuple[ReactionKey, Reaction]]:
        """The reactions that the archive does not have like this."""
        return [(key, reaction) for key, reaction in self._after.items() if self._before.get(key) != reaction]

    def _change(self, event: Mapping[str, Any]) -> None:
        seq = event["target"]
        message = self.added.get(seq) or self._archived.get(seq)
        if message is None or not message.is_live_message:
            return
        if event["type"] == "reaction":
            self._react(event)
            return
        if seq not in self.added:
            self.changed[seq] = message
        if event["type"] == "edited":
            at_ms = milliseconds_of(message.fields["edited_at"]) if "edited_at" in message.fields else message.at_ms
            self.earlier_texts.append(EarlierText(seq, event["seq"], at_ms / 1000, message.text))
            message.edit(event["text"], event["at"], {name: event[name] for name in MENTIONS if name in event})
        else:
            message.delete(event["at"])
            self._forget(seq)

    def _react(self, event: Mapping[str, Any]) -> None:
        seq, emoji = event["target"], event["emoji"]
        key = seq, emoji, event["user"]["id"]
        if event["on"] == (key in self._after):
            return
        use = self._uses.setdefault((seq, emoji), EmojiUse())
        if event["on"]:
            if not use.count:
                use.since = event["seq"]
            use.count += 1
            self._after[key] = use.since, event["seq"]
        else:
            use.count -= 1
            del self._after[key]

    def _forget(self, seq: int) -> None:
        """Drop the reactions and the earlier texts of a deleted message."""
        self.deleted.add(seq)
        self.earlier_texts = [text for text in self.earlier_texts if text.seq != seq]
        for key in [key for key in self._after if key[0] == seq]:
            del self._after[key]
