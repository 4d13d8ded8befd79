"""A message or a notice as a row of the archive, made of an event of a log, and made into a row for clients again.

The archive does not have what it can find elsewhere: the room, the epoch and the time are in other columns, and the
names of users are in `users`, so that a new name is one row. The other fields are kept as they are, also those that
this version does not know.
"""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from cloudchat.archive.event_ids import at_ms_of
from cloudchat.core.timestamps import milliseconds_of, rfc3339_of_ms

_OTHER_COLUMNS = frozenset({"type", "room", "epoch", "seq", "user", "text", "at"})
_ID_AND_NAME = {"id", "name"}
_FIRST_FIELDS = ("cid", "kind")

encode_fields = msgspec.json.Encoder().encode
decode_fields = msgspec.json.Decoder(dict[str, Any]).decode


class ArchivedEvent(Struct):
    """A row of `archived_events`. `fields` are the event's other fields; `user_id` is the author or the actor."""

    seq: int
    at_ms: int
    user_id: str
    notice: bool
    text: str
    fields: dict[str, Any]

    @property
    def is_live_message(self) -> bool:
        """Whether this is a message that is not deleted: only such a one can change."""
        return not self.notice and "deleted_at" not in self.fields

    def edit(self, text: str, at: str, mentions: Mapping[str, Any]) -> None:
        """Replace the text, and the mentions with those of the new text."""
        self._drop_mentions()
        self.text = text
        self.fields.update(edited_at=at, **mentions)

    def delete(self, at: str) -> None:
        """Remove the text and what follows from it."""
        self._drop_mentions()
        self.fields.pop("edited_at", None)
        self.text = ""
        self.fields["deleted_at"] = at

    def _drop_mentions(self) -> None:
        for field in MENTIONS:
            self.fields.pop(field, None)


MENTIONS = ("mentions", "mentions_room")
"""The fields of a message that follow from its text."""


def users_of(event: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ids of the users whose names are in a message or a notice."""
    target = event.get("target")
    author = event["user"]["id"]
    return (author, target["id"]) if isinstance(target, dict) else (author,)


def from_log(event: Mapping[str, Any], registered: Collection[str]) -> ArchivedEvent:
    """Return the row of a `message` or a `notice`. `registered` are the ids that have a row in `users`."""
    fields = {name: value for name, value in event.items() if name not in _OTHER_COLUMNS}
    user = event["user"]
    if user.keys() != _ID_AND_NAME or user["id"] not in registered:
        others = _without_names(user, registered)
        del others["id"]
        if others:
            fields["user"] = others
    if isinstance(fields.get("target"), dict):
        fields["target"] = _without_names(fields["target"], registered)
    is_notice = event["type"] == "notice"
    return ArchivedEvent(
        event["seq"], milliseconds_of(event["at"]), user["id"], is_notice, event.get("text", ""), fields
    )


def users_of_row(user_id: str, fields: Mapping[str, Any]) -> set[str]:
    """Return the ids of the users whose names `to_client` needs."""
    target = fields.get("target")
    return {user_id, *([target["id"]] if isinstance(target, dict) else ())}


def to_client(room: str, epoch: str, event: ArchivedEvent, names: Mapping[str, str]) -> dict[str, Any]:
    """Return a row as `core.message_fold` makes it, without reactions. `names` are the users' names by id."""
    fields = dict(event.fields)
    row: dict[str, Any] = {
        "type": "notice" if event.notice else "message",
        "room": room,
        "epoch": epoch,
        "seq": event.seq,
    }
    row |= {name: fields.pop(name) for name in _FIRST_FIELDS if name in fields}
    row["user"] = _with_name({"id": event.user_id, **fields.pop("user", {})}, names)
    if isinstance(fields.get("target"), dict):
        row["target"] = _with_name(fields.pop("target"), names)
    if not event.notice:
        row["text"] = event.text
    return {**row, "at": rfc3339_of_ms(event.at_ms), **fields}


def from_columns(row: Any) -> ArchivedEvent:
    """Return the event of a row of the table, which has `id`, `seq`, `user_id`, `notice`, `text` and `fields`."""
    return ArchivedEvent(row.seq, at_ms_of(row.id), row.user_id, row.notice, row.text, decode_fields(row.fields))


def _without_names(user: Mapping[str, Any], registered: Collection[str]) -> dict[str, Any]:
    """Return a user without the name, which is kept only where `users` does not have it (`cli`, `server`)."""
    return {name: value for name, value in user.items() if name != "name" or user["id"] not in registered}


def _with_name(user: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    name = names.get(user["id"], user.pop("name", ""))
    return {"id": user.pop("id"), "name": name, **{key: value for key, value in user.items() if key != "name"}}
