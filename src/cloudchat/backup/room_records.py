"""A room as it is written down outside of a store: lines of JSON, from which another Redis or Valkey can be filled."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

import msgspec

MAX_LINE_BYTES = 64 << 20


class RoomBegins(msgspec.Struct, tag="room"):
    """A room, and where its log stood. If the same room began before, this takes the other's place."""

    room: str
    epoch: str
    head: int


class LogPage(msgspec.Struct, tag="log"):
    """Events in a row, byte for byte, from seq `first` on. Older ones that it does not follow on were forgotten."""

    first: int
    events: list[str]


class SeenCids(msgspec.Struct, tag="seen"):
    """Cids that were accepted lately: `{"<user> <cid>": "<seq> <at>"}`."""

    places: dict[str, str]


class RoomEnds(msgspec.Struct, tag="end"):
    """The room is whole."""

    room: str


Record = RoomBegins | LogPage | SeenCids | RoomEnds

_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(Record)


class BadRecords(Exception):
    """These lines are no whole rooms. The message says what is wrong with them."""


def write_records(records: Iterable[Record], file: BinaryIO) -> tuple[int, int]:
    """Write one line for each; returns the number of rooms and of events."""
    rooms = events = events_of_this = 0
    for record in records:
        match record:
            case RoomBegins():
                events_of_this = 0
            case LogPage():
                events_of_this += len(record.events)
            case RoomEnds():
                rooms, events = rooms + 1, events + events_of_this
        file.write(_encode(record) + b"\n")
    return rooms, events


def read_records(file: BinaryIO) -> Iterator[Record]:
    """The records of such a file, one at a time. Raises BadRecords."""
    while line := file.readline(MAX_LINE_BYTES):
        try:
            yield _decoder.decode(line)
        except msgspec.DecodeError as error:
            raise BadRecords(f"a line of the rooms can't be read: {error}") from error
