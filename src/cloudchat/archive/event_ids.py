"""The ids of archived events: their time, and a part that makes them unique.

An id has 41 bits of milliseconds since 1970 and 20 bits that tell the events of one millisecond apart. So the ids of
all rooms are ordered by time, a range of time is a range of ids, and `at` needs no column. The 20 bits follow from room
and seq: a repeated transaction makes the same id. The id of another room's event may be taken (`next_id`).
"""

import zlib

_UNIQUE_BITS = 20
_UNIQUE_MASK = (1 << _UNIQUE_BITS) - 1


def event_id(at_ms: int, room_id: str, seq: int) -> int:
    """Return the id of an event. `at_ms` is in milliseconds since 1970.

    Events of one room in one millisecond are ordered by their seq, except where 12 bits of it overflow.
    """
    room = zlib.crc32(room_id.encode()) & 0xFF
    return (at_ms << _UNIQUE_BITS) | ((seq << 8 | room) & _UNIQUE_MASK)


def next_id(taken: int) -> int:
    """Return the id to try after one that is taken, in the same millisecond."""
    return (taken & ~_UNIQUE_MASK) | ((taken + 1) & _UNIQUE_MASK)


def first_id_at(at_ms: int) -> int:
    """Return the lowest id of a millisecond: the events before it have lower ids."""
    return at_ms << _UNIQUE_BITS


def at_ms_of(id: int) -> int:
    """Return the time of an event in milliseconds since 1970."""
    return id >> _UNIQUE_BITS
