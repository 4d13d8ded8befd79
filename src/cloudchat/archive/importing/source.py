"""What an import reads: rooms, users and rows as another installation or Slack names them."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from msgspec import Struct, field

from cloudchat.database.audit import BY_COMMAND_LINE, BY_SERVER

NOT_USERS = frozenset({BY_COMMAND_LINE, BY_SERVER})
"""Actors of notices that have no account. They stay as they are."""


class BadImport(Exception):
    """The file cannot be imported. The message is a sentence for the operator."""


class SourceUser(Struct, frozen=True):
    """A user of the source. The `id` is unique there."""

    id: str
    name: str


class SourceRoom(Struct, frozen=True):
    """A room of the source.

    `source` and `source_id` identify it in all imports, `fingerprint` its content. `members` have a role each.
    `created_at` is in seconds since 1970.
    """

    source: str
    source_id: str
    fingerprint: str
    kind: str
    name: str
    topic: str
    archived: bool
    created_at: float
    members: list[tuple[SourceUser, str]]


class EarlierText(Struct, frozen=True):
    """A text that a message had since `at`, in seconds since 1970, until the edit with the seq `replaced_by`."""

    replaced_by: int
    at: float
    text: str


class SourceRow(Struct):
    """A message or a notice in its current form.

    `event` is as clients get it, without room, epoch and reactions. Instead of ids and names, it has `SourceUser`s as
    `user` and `target`, and a list of them as `mentions`. `is_bot` belongs to the user.
    """

    event: dict[str, Any]
    is_bot: bool = False
    reactions: list[tuple[str, list[SourceUser]]] = field(default_factory=list)
    earlier_texts: list[EarlierText] = field(default_factory=list)

    @property
    def seq(self) -> int:
        """The seq of the event."""
        seq: int = self.event["seq"]
        return seq

    def users(self) -> Iterator[SourceUser]:
        """Yield the users of the row: author, target, mentioned ones, and those who reacted. Some appear twice."""
        named = [self.event["user"], self.event.get("target"), *self.event.get("mentions", ())]
        for user in chain(filter(None, named), *(users for _, users in self.reactions)):
            if user.id not in NOT_USERS:
                yield user
