"""Rooms out of a store, while servers go on writing to it.

Nothing is locked, and nothing asked for takes the store longer than a page of history does. A room is whole all the
same: its log up to where it stood at first never changes again, except that its oldest events are forgotten, or that it
is lost. The first is seen by the next page's number, the second by the epoch, and then the room is read again.
"""

import itertools
from collections.abc import Iterator
from typing import Any, cast

import redis

from cloudchat.backup.room_records import LogPage, Record, RoomBegins, RoomEnds, SeenCids
from cloudchat.broker import keys
from cloudchat.broker.broker import BrokerUnavailable
from cloudchat.broker.sync_client import open_client

PAGE_EVENTS = 100
"""Of 64 KiB at most each; so a page is 6 MiB at worst, and 30 KiB mostly."""
_CIDS = 500
_ATTEMPTS = 5
_DAY = 86400


def export_rooms(url: str) -> Iterator[Record]:
    """Every room that there is from now to the end. Raises BrokerUnavailable."""
    with open_client(url) as store:
        for room in _rooms(store):
            yield from _room(store, room)


def holds_rooms(url: str) -> bool:
    """Whether there is any room. Raises BrokerUnavailable."""
    with open_client(url) as store:
        return next(_rooms(store), None) is not None


def is_used_by_servers(url: str) -> bool:
    """Whether a server, here or on another machine, follows a room in this store. Raises BrokerUnavailable."""
    with open_client(url) as store:
        return bool(store.execute_command("PUBSUB", "SHARDCHANNELS", keys.channel("*")))  # type: ignore[no-untyped-call]


def _rooms(store: redis.Redis) -> Iterator[str]:
    """Each once: a scan may come by the same key twice."""
    known = set()
    for name in store.scan_iter(match=keys.meta("*"), count=500):
        if name not in known:
            known.add(name)
            yield keys.room_of_meta(name)


def _room(store: redis.Redis, room: str) -> Iterator[Record]:
    for _ in range(_ATTEMPTS):
        standing = _standing(store, room)
        if standing is None:
            return
        epoch, head = standing
        yield RoomBegins(room, epoch, head)
        yield from _log(store, room, head)
        yield from _cids(store, room, head)
        if _standing(store, room, epoch) is not None:
            yield RoomEnds(room)
            return
    raise BrokerUnavailable(f"the room {room} loses its log again and again")


def _standing(store: redis.Redis, room: str, wanted: str | None = None) -> tuple[str, int] | None:
    """Epoch and head; None if there is no such room, or not in the `wanted` epoch."""
    epoch, seq = cast(list[bytes | None], store.hmget(keys.meta(room), ["epoch", "seq"]))
    if epoch is None or seq is None or wanted not in (None, epoch.decode()):
        return None
    return epoch.decode(), int(seq)


def _log(store: redis.Redis, room: str, head: int) -> Iterator[Record]:
    after = 0
    while after < head:
        entries: Any = store.xrange(keys.log(room), min=str(after + 1), max=str(head), count=PAGE_EVENTS)
        if not entries:
            return
        yield LogPage(_seq(entries[0]), [fields[b"e"].decode() for _, fields in entries])
        after = _seq(entries[-1])


def _seq(entry: tuple[bytes, object]) -> int:
    return int(entry[0].partition(b"-")[0])


def _cids(store: redis.Redis, room: str, head: int) -> Iterator[Record]:
    """What was accepted after `head` is left out: its event is not in these records, so it must be taken again."""
    now = store.time()[0]
    for day in (now // _DAY - 1, now // _DAY):
        scan: Iterator[tuple[bytes, bytes]] = store.hscan_iter(f"{keys.seen(room)}{day}", count=_CIDS)
        places = ((cid.decode(), place.decode()) for cid, place in scan)
        old = ((cid, place) for cid, place in places if int(place.partition(" ")[0]) <= head)
        while some := dict(itertools.islice(old, _CIDS)):
            yield SeenCids(some)
