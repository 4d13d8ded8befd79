"""From the events of a log to messages in their current form: edits, deletions and reactions are folded into them.

`MessageFold` is the rule. It folds any run of events, such as what a client has received. The store keeps the state of
each message that has changed, and `current_form` makes the same result from it, without reading the whole log.

A row is a `message` or a `notice` as a dictionary. A message has, where it applies: `edited_at`; `deleted_at`, and then
an empty `text` and nothing that follows from it; `reactions`, a list of `{"emoji", "count", "users"}` in the order in
which the emoji were first used.
"""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

MAX_LISTED_USERS = 20
"""The users of an emoji in a row: the first ones who reacted with it and still do."""
Row = dict[str, Any]
_TEXT = re.compile(rb'"text":"(?:[^"\\]|\\.)*"')

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class MessageFold:
    """Folds events in the order of their seqs."""

    def __init__(self, events: Iterable[Row] = ()) -> None:
        self._rows: dict[int, Row] = {}
        self._reactions: dict[int, dict[str, dict[str, None]]] = {}
        for event in events:
            self.apply(event)

    def apply(self, event: Row) -> None:
        """Fold one event. A change of a message that is not here, or is deleted, has no effect."""
        match event["type"]:
            case "message" | "notice":
                self._rows[event["seq"]] = dict(event)
            case "edited" | "deleted" | "reaction":
                row = self._rows.get(event["target"])
                if row is not None and row["type"] == "message" and "deleted_at" not in row:
                    self._change(row, event)

    def add_row(self, row: Row) -> None:
        """Continue with a message or a notice in its current form, whose reactions list all of their users."""
        self._rows[row["seq"]] = {name: value for name, value in row.items() if name != "reactions"}
        if reactions := row.get("reactions"):
            self._reactions[row["seq"]] = {one["emoji"]: dict.fromkeys(one["users"]) for one in reactions}

    def rows(self) -> list[Row]:
        """Return all rows, oldest first."""
        return [self._with_reactions(self._rows[seq]) for seq in sorted(self._rows)]

    def _change(self, row: Row, event: Row) -> None:
        if event["type"] == "edited":
            _edit(row, event)
        elif event["type"] == "deleted":
            _delete(row, event["at"])
            self._reactions.pop(row["seq"], None)
        else:
            users = self._reactions.setdefault(row["seq"], {}).setdefault(event["emoji"], {})
            if event["on"]:
                users.setdefault(event["user"]["id"])
            else:
                users.pop(event["user"]["id"], None)
            if not users:
                del self._reactions[row["seq"]][event["emoji"]]

    def _with_reactions(self, row: Row) -> Row:
        reactions = [
            {"emoji": emoji, "count": len(users), "users": list(users)[:MAX_LISTED_USERS]}
            for emoji, users in self._reactions.get(row["seq"], {}).items()
        ]
        return {**row, "reactions": reactions} if reactions else row


def current_form(event: bytes, state: bytes, last_edit: bytes) -> bytes:
    """Return the JSON of a row.

    `event` is the event in the log. `state` is the store's summary of what has changed: `{"reactions"?, "deleted"?}`.
    `last_edit` is the newest `edited` event. They are empty where there is none.
    """
    if not state:
        return event
    row, changes = _decode(event), _decode(state)
    if deleted := changes.get("deleted"):
        _delete(row, deleted["at"])
        return _encode(row)
    if last_edit:
        _edit(row, _decode(last_edit))
    if reactions := changes.get("reactions"):
        row["reactions"] = reactions
    return _encode(row)


def without_text(event: bytes) -> bytes:
    """Return an event in the log as it is after its text was deleted; broker/functions/erasing.lua does the same.

    Inside of a JSON string quotes are escaped, so that `"text":"` is always the field.
    """
    return _TEXT.sub(b'"text":""', event, count=1)


def _edit(row: Row, edited: Row) -> None:
    _drop_mentions(row)
    row.update(text=edited["text"], edited_at=edited["at"])
    row.update({field: edited[field] for field in ("mentions", "mentions_room") if field in edited})


def _delete(row: Row, at: str) -> None:
    _drop_mentions(row)
    row.pop("edited_at", None)
    row.update(text="", deleted_at=at)


def _drop_mentions(row: Row) -> None:
    row.pop("mentions", None)
    row.pop("mentions_room", None)
