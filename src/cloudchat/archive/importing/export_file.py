"""Read a file of `cloudchat admin export --format jsonl` (docs/export-format.md).

The whole file is read and checked before anything is written. Then it is read again: only one line is in memory.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from cloudchat.archive.importing.export_records import End, Export, Message, Notice, check_row, decode, room_of, row_of
from cloudchat.archive.importing.source import BadImport, SourceRoom, SourceRow, SourceUser

MAX_LINE_BYTES = 32 << 20
"""A message with 1,000 reactions and 50 earlier texts has 1 MiB, a first line with 100,000 members 8 MiB."""


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
                record = decode(line, number)
                if isinstance(record, Message | Notice):
                    yield row_of(record)


def check_export_file(path: Path, now: float) -> ExportFile:
    """Read a whole file, and check it. Raises BadImport, OSError."""
    digest, rows, head, last = hashlib.sha256(), 0, None, 0
    complete = False
    with path.open("rb") as file:
        for number, line in enumerate(_lines(file), 1):
            digest.update(line)
            record = decode(line, number)
            if complete or (head is None) != isinstance(record, Export):
                raise BadImport(f"line {number} is not where it belongs: a file has one room, its rows, and an end")
            match record:
                case Export():
                    head = record
                case End():
                    if record.rows != rows:
                        raise BadImport(
                            f"the file says that it has {record.rows} rows, but it has {rows}: copy it again"
                        )
                    complete = True
                case Message() | Notice():
                    if not last < record.seq <= (head.head.seq if head else 0):
                        raise BadImport(f"line {number} has a seq that is not between those of its neighbours")
                    check_row(record, number, now)
                    last, rows = record.seq, rows + 1
    if head is None or not complete:
        raise BadImport("the file is not complete: its last line must have the type `end`; export the room again")
    return ExportFile(path, room_of(head, digest.hexdigest()), head.head.seq, rows)


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
