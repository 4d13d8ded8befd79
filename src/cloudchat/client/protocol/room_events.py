"""The events of a room's log, typed. They are the same in live delivery, in a replay and in a page of history.

A server that is newer than this client may send fields and types that it does not know: a field is ignored, and an
event of such a type is a plain `RoomEvent`.
"""

from typing import Any

import msgspec

Frame = dict[str, Any]
"""One parsed frame: a JSON object with a `type`."""


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Who did something. `bot` says that an API token was used. `role` is set only for the client's own user."""

    id: str
    name: str
    bot: bool = False
    role: str = ""


class RoomEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a room's log. Each comes once, in order. `raw` is the frame as received, empty in history."""

    room: str
    epoch: str
    seq: int
    raw: str = ""


class ReactionCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many users have reacted with `emoji`. `users` are the ids of the first 20."""

    emoji: str
    count: int
    users: tuple[str, ...]


class Message(RoomEvent, frozen=True, kw_only=True):
    """A message. `reply_to` is the seq of another one; `mentions` are the ids of the mentioned users.

    The last three fields are its current form, in history only. A deleted message has an empty `text`.
    """

    cid: str
    user: User
    at: str
    text: str
    reply_to: int | None = None
    mentions: tuple[str, ...] = ()
    mentions_room: bool = False
    edited_at: str | None = None
    deleted_at: str | None = None
    reactions: tuple[ReactionCount, ...] = ()

    def mentions_user(self, user_id: str) -> bool:
        """Return whether the message is addressed to this user, by name or as a member of the room."""
        return user_id in self.mentions or self.mentions_room


class Edited(RoomEvent, frozen=True, kw_only=True):
    """The message with the seq `target` has a new text, with the mentions of that text only."""

    target: int
    user: User
    at: str
    text: str
    mentions: tuple[str, ...] = ()
    mentions_room: bool = False


class Deleted(RoomEvent, frozen=True, kw_only=True):
    """`user` has deleted the message with the seq `target`."""

    target: int
    user: User
    at: str


class Reaction(RoomEvent, frozen=True, kw_only=True):
    """`user` has turned a reaction to the message with the seq `target` on or off."""

    target: int
    user: User
    at: str
    emoji: str
    on: bool


class Notice(RoomEvent, frozen=True, kw_only=True):
    """`user` has changed the room or its members: `kind` is `renamed`, `added` and so on (docs/protocol.md).

    `target` is the member whom the change concerns, `value` the new name, topic or role.
    """

    kind: str
    user: User
    at: str
    target: User | None = None
    value: str | None = None


_TYPES: dict[str, type[RoomEvent]] = {
    "message": Message,
    "edited": Edited,
    "deleted": Deleted,
    "reaction": Reaction,
    "notice": Notice,
}


def room_event(frame: Frame, raw: str = "") -> RoomEvent:
    """Return the event of a frame. Raises ValueError (`msgspec.ValidationError`) if a field is missing or wrong."""
    return msgspec.convert({**frame, "raw": raw}, _TYPES.get(frame["type"], RoomEvent))
