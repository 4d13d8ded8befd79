"""Read a file of `cloudchat admin export --format jsonl` (docs/export-format.md).

The whole file is read and checked before anything is written. Then it is read again: only one line is in memory.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal

import msgspec
from msgspec import Meta, Struct

from cloudchat.archive.export.jsonl import FORMAT, VERSION
from cloudchat.archive.importing.source import BadImport, EarlierText, SourceRoom, SourceRow, SourceUser
from cloudchat.core.message_text import is_printable
from cloudchat.core.timestamps import milliseconds_of
from cloudchat.protocol.commands import CID_PATTERN
from cloudchat.protocol.emoji import is_emoji

SOURCE = "cloudchat"
MAX_LINE_BYTES = 32 << 20
"""A message with 1,000 reactions and 50 earlier texts has 1 MiB, a first line with 100,000 members 8 MiB."""
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


class _Export(msgspec.Struct, tag="export"):
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


class _Message(msgspec.Struct, tag="message"):
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


class _Notice(msgspec.Struct, tag="notice"):
    seq: _Seq
    at: _At
    user: _User
    kind: _NoticeKind
    target: _User | None = None
    value: Annotated[str, Meta(max_length=250)] | None = None


class _End(msgspec.Struct, tag="end"):
    rows: int


_Record = _Export | _Message | _Notice | _End
_decoder: msgspec.json.Decoder[_Record] = msgspec.json.Decoder(_Record)


class ExportFile(Struct, frozen=True):
    """A file that was checked: its room, the end of its numbering, and the number of its rows."""

    path: Path
    room: SourceRoom
    last_seq: int
    rows: int

    def read(self) -> Iterator[SourceRow]:
        """Yield the rows. Raises BadImport if the file has changed since it was checked."""
        with self.path.open("rb") as file:
            for number, line in enumerate(_lines(file), 1):
                record = _decode(line, number)
                if isinstance(record, _Message | _Notice):
                    yield _row(record)


def check_export_file(path: Path, now: float) -> ExportFile:
    """Read a whole file, and check it. Raises BadImport, OSError."""
    digest, rows, head, last = hashlib.sha256(), 0, None, 0
    complete = False
    with path.open("rb") as file:
        for number, line in enumerate(_lines(file), 1):
            digest.update(line)
            record = _decode(line, number)
            if complete or (head is None) != isinstance(record, _Export):
                raise BadImport(f"line {number} is not where it belongs: a file has one room, its rows, and an end")
            match record:
                case _Export():
                    head = record
                case _End():
                    if record.rows != rows:
                        raise BadImport(
                            f"the file says that it has {record.rows} rows, but it has {rows}: copy it again"
                        )
                    complete = True
                case _Message() | _Notice():
                    if not last < record.seq <= (head.head.seq if head else 0):
                        raise BadImport(f"line {number} has a seq that is not between those of its neighbours")
                    _check_row(record, number, now)
                    last, rows = record.seq, rows + 1
    if head is None or not complete:
        raise BadImport("the file is not complete: its last line must have the type `end`; export the room again")
    return ExportFile(path, _room(head, digest.hexdigest()), head.head.seq, rows)


def users_of(file: ExportFile) -> dict[str, SourceUser]:
    """Return all users of a file by their ids."""
    users = {user.id: user for user, _ in file.room.members}
    for row in file.read():
        users.update((user.id, user) for user in row.users())
    return users


def _lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(MAX_LINE_BYTES + 1):
        if len(line) > MAX_LINE_BYTES:
            raise BadImport("a line is too long: this is not a file of `cloudchat admin export`")
        yield line


def _decode(line: bytes, number: int) -> _Record:
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


def _check_row(row: _Message | _Notice, number: int, now: float) -> None:
    times, texts, emoji = [row.at], [], []
    if isinstance(row, _Message):
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


def _room(export: _Export, digest: str) -> SourceRoom:
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


def _row(record: _Message | _Notice) -> SourceRow:
    event: dict[str, Any] = {"seq": record.seq, "at": record.at, "user": record.user.to_source()}
    if isinstance(record, _Notice):
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
