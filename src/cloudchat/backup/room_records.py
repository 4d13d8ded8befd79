"""The rooms in a backup: one line of JSON per record, from which any Redis or Valkey can be filled.

A room is a `RoomStart`, the pages of its log, its recently accepted cids, and a `RoomEnd`. A room whose log was lost
while it was read starts again: the second `RoomStart` replaces the records before it.
"""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

import msgspec

MAX_LINE_BYTES = 64 << 20


class BadRecords(Exception):
    """The records are not complete rooms. The message says what is wrong."""


class RoomStart(msgspec.Struct, tag="room"):
    """A room, and the epoch and head of its log when the export began."""

    room: str
    epoch: str
    head: int


class LogPage(msgspec.Struct, tag="log"):
    """Consecutive events, byte for byte, from seq `first` on.

    If `first` does not follow the previous page, the log was trimmed in between: the earlier pages are obsolete.
    """

    first: int
    events: list[str]


class SeenCids(msgspec.Struct, tag="seen"):
    """Recently accepted cids: `{"<digest of user and cid, as hex>": "<seq> <at>"}`.

    Older backups have `"<user> <cid>"` instead of the digest.
    """

    accepted: dict[str, str] = msgspec.field(name="places")


class RoomEnd(msgspec.Struct, tag="end"):
    """The room is complete."""

    room: str


Record = RoomStart | LogPage | SeenCids | RoomEnd

_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(Record)


def write_records(records: Iterable[Record], file: BinaryIO) -> tuple[int, int]:
    """Write one line per record; return the number of rooms and of events."""
    rooms = events = events_of_room = 0
    for record in records:
        match record:
            case RoomStart():
                events_of_room = 0
            case LogPage():
                events_of_room += len(record.events)
            case RoomEnd():
                rooms, events = rooms + 1, events + events_of_room
        file.write(_encode(record) + b"\n")
    return rooms, events


def read_records(file: BinaryIO) -> Iterator[Record]:
    """Yield the records that `write_records` wrote. Raises BadRecords."""
    while line := file.readline(MAX_LINE_BYTES):
        try:
            yield _decoder.decode(line)
        except msgspec.DecodeError as error:
            raise BadRecords(f"a line of the rooms cannot be read: {error}") from error


def validate_records(records: Iterable[Record]) -> Iterator[Record]:
    """Yield the same records; check that they are complete rooms in the order of writing. Raises BadRecords."""
    room: RoomStart | None = None
    next_seq = None
    for record in records:
        if isinstance(record, RoomStart):
            room, next_seq = record, None
        elif room is None:
            raise BadRecords("a record of a room comes before the start of the room")
        elif isinstance(record, LogPage):
            next_seq = record.first + len(record.events)
        elif isinstance(record, RoomEnd):
            if record.room != room.room or (next_seq is not None and next_seq != room.head + 1):
                raise BadRecords(f"the room {room.room} is incomplete")
            room = None
        yield record
    if room is not None:
        raise BadRecords(f"the room {room.room} has no end")
