"""The records of a file of `cloudchat admin export --format jsonl`: one line each, checked and turned into what imports
read (`source.py`).
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from cloudchat.archive.export.jsonl import FORMAT, VERSION
from cloudchat.archive.importing.source import BadImport, EarlierText, SourceRoom, SourceRow, SourceUser
from cloudchat.core.message_text import is_printable
from cloudchat.core.timestamps import milliseconds_of
from cloudchat.protocol.commands import CID_PATTERN
from cloudchat.protocol.emoji import is_emoji

SOURCE = "cloudchat"
MAX_SEQ = 10**12
_DAY_MS = 86_400_000

_Seq = Annotated[int, Meta(ge=1, le=MAX_SEQ)]
_At = Annotated[str, Meta(pattern=r"^(19[7-9]\d|20\d\d)-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]
_Id = Annotated[str, Meta(pattern="^[!-~]{1,64}$")]
_Text = Annotated[str, Meta(max_length=4000)]
_NoticeKind = Literal[
    "created", "renamed", "topic", "joined", "left", "added", "removed", "role", "archived", "restored"
]


class _User(msgspec.Struct):
    id: _Id
    name: Annotated[str, Meta(max_length=80)]
    bot: bool = False

    def to_source(self) -> SourceUser:
        return SourceUser(self.id, self.name)


class _Member(_User):
    role: Literal["owner", "moderator", "member", "reader"] = "member"


class _Room(msgspec.Struct):
    kind: Literal["public", "private", "direct"]
    name: Annotated[str, Meta(max_length=80)]
    topic: Annotated[str, Meta(max_length=250)]
    archived: bool
    created_at: _At


class _Head(msgspec.Struct):
    seq: Annotated[int, Meta(ge=0, le=MAX_SEQ)]


class Export(msgspec.Struct, tag="export"):
    """The first line: the room, its members, and the end of its numbering."""

    format: str
    version: int
    room: _Room
    head: _Head
    members: list[_Member]


class _Reaction(msgspec.Struct):
    emoji: Annotated[str, Meta(min_length=1, max_length=32)]
    users: list[_User]


class _EarlierText(msgspec.Struct):
    replaced_by: _Seq
    at: _At
    text: _Text


class Message(msgspec.Struct, tag="message"):
    """A message in its current form, with its reactions and earlier texts."""

    seq: _Seq
    at: _At
    user: _User
    cid: Annotated[str, Meta(pattern=CID_PATTERN)]
    text: _Text
    reply_to: _Seq | None = None
    mentions: Annotated[list[_User], Meta(max_length=50)] = []
    mentions_room: bool = False
    edited_at: _At | None = None
    deleted_at: _At | None = None
    reactions: list[_Reaction] = []
    earlier_texts: Annotated[list[_EarlierText], Meta(max_length=50)] = []


class Notice(msgspec.Struct, tag="notice"):
    """A notice of a change of the room or its members."""

    seq: _Seq
    at: _At
    user: _User
    kind: _NoticeKind
    target: _User | None = None
    value: Annotated[str, Meta(max_length=250)] | None = None


class End(msgspec.Struct, tag="end"):
    """The last line, with the number of messages and notices before it."""

    rows: int


Record = Export | Message | Notice | End
_decoder: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


def decode(line: bytes, number: int) -> Record:
    """Return the record of a line. Raises BadImport, also if the first line has another format or version."""
    try:
        if number == 1:
            _check_version(line)
        return _decoder.decode(line)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadImport(f"line {number} cannot be read: {error}") from error


def _check_version(line: bytes) -> None:
    fields = msgspec.json.decode(line)
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        raise BadImport("this is not a file of `cloudchat admin export --format jsonl`")
    if fields.get("version") != VERSION:
        version = ascii(fields.get("version"))[:20]
        raise BadImport(f"the file has version {version} of the format, this cloudchat reads {VERSION}")


def check_row(row: Message | Notice, number: int, now: float) -> None:
    """Raise BadImport for what types cannot express: times, doubles, control characters, replies to later messages."""
    times, texts, emoji = [row.at], [], []
    if isinstance(row, Message):
        times += [row.edited_at or row.at, row.deleted_at or row.at, *(text.at for text in row.earlier_texts)]
        texts += [row.text, *(text.text for text in row.earlier_texts)]
        emoji += [reaction.emoji for reaction in row.reactions]
        edits = [text.replaced_by for text in row.earlier_texts]
        if len(set(emoji)) < len(emoji) or len(set(edits)) < len(edits):
            raise BadImport(f"line {number} has a reaction or an edit twice")
        if row.reply_to is not None and row.reply_to >= row.seq:
            raise BadImport(f"line {number} is a reply to a later message")
    else:
        texts.append(row.value or "")
    try:
        latest = max(map(milliseconds_of, times))
    except ValueError as error:
        raise BadImport(f"line {number} has a time that does not exist") from error
    if latest > now * 1000 + _DAY_MS:
        raise BadImport(f"line {number} has a time in the future")
    if not all(map(is_printable, texts)) or not all(map(is_emoji, emoji)):
        raise BadImport(f"line {number} has a control character in a text, or a reaction that is not an emoji")


def room_of(export: Export, digest: str) -> SourceRoom:
    """Return the room of the first line; `digest` is the SHA-256 of the whole file."""
    room = export.room
    return SourceRoom(
        source=SOURCE,
        source_id=digest,
        fingerprint=digest,
        kind=room.kind,
        name=room.name,
        topic=room.topic,
        archived=room.archived,
        created_at=milliseconds_of(room.created_at) / 1000,
        members=[(member.to_source(), member.role) for member in export.members],
    )


def row_of(record: Message | Notice) -> SourceRow:
    """Return a message or notice as imports write it. A deleted message has neither text nor reactions."""
    event: dict[str, Any] = {"seq": record.seq, "at": record.at, "user": record.user.to_source()}
    if isinstance(record, Notice):
        event |= {"type": "notice", "kind": record.kind}
        if record.target is not None:
            event["target"] = record.target.to_source()
        if record.value is not None:
            event["value"] = record.value
        return SourceRow(event, record.user.bot)
    event |= {"type": "message", "cid": record.cid, "text": record.text}
    if record.reply_to is not None:
        event["reply_to"] = record.reply_to
    if record.deleted_at is not None:
        return SourceRow({**event, "text": "", "deleted_at": record.deleted_at}, record.user.bot)
    if record.edited_at is not None:
        event["edited_at"] = record.edited_at
    if record.mentions:
        event["mentions"] = [user.to_source() for user in record.mentions]
    if record.mentions_room:
        event["mentions_room"] = True
    reactions = [(reaction.emoji, [user.to_source() for user in reaction.users]) for reaction in record.reactions]
    earlier = [
        EarlierText(text.replaced_by, milliseconds_of(text.at) / 1000, text.text) for text in record.earlier_texts
    ]
    return SourceRow(event, record.user.bot, reactions, earlier)
