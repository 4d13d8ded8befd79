"""The events of a room's log: the fields of each that its sender writes.

The store writes `type`, `room`, `epoch` and `seq` in front of them (broker/functions/append.lua). So the stored, the
replayed and the live event are the same bytes.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from cloudchat.protocol.events import User

_CHANGES = ["created", "renamed", "topic", "joined", "left", "added", "removed", "role", "archived", "restored"]


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

    `target` is the member that was added, removed or given a role. `value` is the new name, topic or role.
    """

    kind: Annotated[str, Meta(extra_json_schema={"enum": _CHANGES})]
    user: User
    target: User | None = None
    value: str | None = None
    at: str
