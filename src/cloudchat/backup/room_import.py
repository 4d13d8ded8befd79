"""Rooms into a store that has none of them.

Every room begins a new epoch: what was acknowledged after the records were written is not in them, and its numbers will
be given again. Events keep their seq and their bytes. A client that was further on is told that there is a gap.
"""

from collections.abc import Iterable

import redis

from cloudchat.backup.room_records import BadRecords, LogPage, Record, RoomBegins, RoomEnds, SeenCids
from cloudchat.broker import keys
from cloudchat.broker.redis_broker import new_epoch
from cloudchat.broker.sync_client import open_client

_DAY = 86400


def import_rooms(url: str, records: Iterable[Record]) -> int:
    """Take every room in; returns how many. Whatever the store has of a room is replaced.

    Raises BrokerUnavailable, BadRecords.
    """
    rooms = 0
    with open_client(url) as store:
        taking: _Taking | None = None
        for record in checked(records):
            if isinstance(record, RoomBegins):
                taking = _Taking(store, record)
                continue
            assert taking is not None  # noqa: S101 — `checked` says so
            match record:
                case LogPage():
                    taking.log(record)
                case SeenCids():
                    taking.cids(record)
                case RoomEnds():
                    taking.end()
                    rooms += 1
    return rooms


def checked(records: Iterable[Record]) -> Iterable[Record]:
    """The same records, as long as they are whole rooms in the order in which they are written. Raises BadRecords."""
    room: RoomBegins | None = None
    expected = None
    for record in records:
        if isinstance(record, RoomBegins):
            room, expected = record, None
        elif room is None:
            raise BadRecords("a part of a room comes without its room")
        elif isinstance(record, LogPage):
            expected = record.first + len(record.events)
        elif isinstance(record, RoomEnds):
            if record.room != room.room or (expected is not None and expected != room.head + 1):
                raise BadRecords(f"the room {room.room} is not whole")
            room = None
        yield record
    if room is not None:
        raise BadRecords(f"the room {room.room} has no end")


def remove_rooms(url: str) -> None:
    """Every room is gone from the store. Raises BrokerUnavailable."""
    with open_client(url) as store:
        for pattern in (keys.meta("*"), keys.log("*"), f"{keys.seen('*')}*"):
            for name in store.scan_iter(match=pattern, count=500):
                store.unlink(name)


class _Taking:
    """One room on its way into the store. Its meta comes last: until then there is no such room."""

    def __init__(self, store: redis.Redis, begins: RoomBegins) -> None:
        self._store = store
        self._room = begins.room
        self._head = begins.head
        self._expected = 1
        # Today's by the store's clock: from now on it is a day or two that somebody may repeat what they sent.
        self._today = store.time()[0] // _DAY
        names = [keys.meta(self._room), keys.log(self._room)]
        store.unlink(*names, *(f"{keys.seen(self._room)}{self._today - ago}" for ago in (0, 1)))

    def log(self, page: LogPage) -> None:
        """Every page is one block, so it costs one fsync."""
        name = keys.log(self._room)
        with self._store.pipeline(transaction=True) as block:
            if page.first != self._expected:
                block.unlink(name)
            for seq, event in enumerate(page.events, page.first):
                block.xadd(name, {"e": event}, id=f"{seq}-0")
            block.execute()
        self._expected = page.first + len(page.events)

    def cids(self, seen: SeenCids) -> None:
        name = f"{keys.seen(self._room)}{self._today}"
        with self._store.pipeline(transaction=True) as block:
            block.hset(name, items=[part for pair in seen.places.items() for part in pair])
            block.expireat(name, (self._today + 2) * _DAY + 3600)
            block.execute()

    def end(self) -> None:
        self._store.hset(keys.meta(self._room), mapping={"epoch": new_epoch(), "seq": self._head})
