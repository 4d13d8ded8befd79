"""The events of a room's log as clients receive them, live and in history, as types for the AsyncAPI document.

The server never builds them: the store writes the first fields of an event in front of the body of its sender
(logged_events.py), and a row of history is such an event with the changes folded in (core/message_fold.py).
"""

from typing import Any

import msgspec

from cloudchat.protocol import commands, logged_events

LOGGED: dict[str, type[msgspec.Struct]] = {
    "message": logged_events.MessageBody,
    "edited": logged_events.EditedBody,
    "deleted": logged_events.DeletedBody,
    "reaction": logged_events.ReactionBody,
    "notice": logged_events.NoticeBody,
}
"""The bodies by the type of their event."""


class ReactionCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many users have reacted to a message with an emoji. `users` are the ids of the first 20."""

    emoji: str
    count: int
    users: list[str]


def _received(name: str, kind: str, *more: tuple[str, Any, Any], about: str) -> type[msgspec.Struct]:
    first = [("room", str), ("epoch", str), ("seq", commands.Seq)]
    event = msgspec.defstruct(
        name, [*first, *more], bases=(LOGGED[kind],), tag_field="type", tag=kind, kw_only=True, omit_defaults=True
    )
    event.__doc__ = about
    return event


EVENTS: list[type[msgspec.Struct]] = [
    _received(
        kind.title(),
        kind,
        about=f"A `{kind}` of the room's log: stored, replayed with the same bytes, and numbered without holes.",
    )
    for kind in LOGGED
]
HISTORY_ROWS: list[type[msgspec.Struct]] = [
    _received(
        "HistoryMessage",
        "message",
        ("edited_at", str | None, None),
        ("deleted_at", str | None, None),
        ("reactions", list[ReactionCount], []),
        about="A message in its current form. A deleted one has an empty `text`. The reactions are in the order in "
        "which their emoji were first used.",
    ),
    EVENTS[list(LOGGED).index("notice")],
]
"""What a page of history consists of."""
