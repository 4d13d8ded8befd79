"""Read all rooms from a store while servers keep writing to it.

Nothing is locked, and no call keeps the store busy for longer than a page of history does. Each room is still
consistent. The log up to the head that was read first never changes, with two exceptions: its oldest events are
trimmed, or the whole log is lost. Trimming shows in the first seq of the next page. A loss shows in the epoch, and then
the room is read again.
"""

import itertools
from collections.abc import Iterator
from typing import Any, cast

import redis

from cloudchat.backup.room_records import LogPage, Record, RoomEnd, RoomStart, SeenCids
from cloudchat.broker import keys, seen_cids
from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.broker.connections.sync_client import open_client

PAGE_EVENTS = 100
"""An event has at most 64 KiB, so a page has at most 6 MiB, and typically 30 KiB."""
_PAGE_CIDS = 500
_SCAN_COUNT = 500
_MAX_ATTEMPTS = 5


def export_rooms(url: str) -> Iterator[Record]:
    """Yield the records of every room that exists during the whole export. Raises BrokerUnavailable."""
    with open_client(url) as store:
        for room in _room_names(store):
            yield from _export_room(store, room)


def has_rooms(url: str) -> bool:
    """Return whether the store has any room. Raises BrokerUnavailable."""
    with open_client(url) as store:
        return next(_room_names(store), None) is not None


def has_subscribers(url: str) -> bool:
    """Return whether a server, on any machine, subscribes to a room in this store. Raises BrokerUnavailable."""
    with open_client(url) as store:
        return bool(store.execute_command("PUBSUB", "SHARDCHANNELS", keys.channel("*")))  # type: ignore[no-untyped-call]


def _room_names(store: redis.Redis) -> Iterator[str]:
    """Yield each name once: SCAN may return the same key twice."""
    found = set()
    for name in store.scan_iter(match=keys.meta("*"), count=_SCAN_COUNT):
        if name not in found:
            found.add(name)
            yield keys.room_of_meta(name)


def _export_room(store: redis.Redis, room: str) -> Iterator[Record]:
    for _ in range(_MAX_ATTEMPTS):
        position = _position(store, room)
        if position is None:
            return
        epoch, head = position
        yield RoomStart(room, epoch, head)
        yield from _log_pages(store, room, head)
        yield from _seen_cids(store, room, head)
        position = _position(store, room)
        if position is not None and position[0] == epoch:
            yield RoomEnd(room)
            return
    raise BrokerUnavailable(f"the room {room} repeatedly loses its log")


def _position(store: redis.Redis, room: str) -> tuple[str, int] | None:
    """Return the epoch and the head of a room; None if it does not exist."""
    epoch, seq = cast(list[bytes | None], store.hmget(keys.meta(room), ["epoch", "seq"]))
    return None if epoch is None or seq is None else (epoch.decode(), int(seq))


def _log_pages(store: redis.Redis, room: str, head: int) -> Iterator[Record]:
    after = 0
    while after < head:
        events = _events_after(store, room, after, head)
        if not events:
            return
        first = min(events)
        yield LogPage(first, [events[seq].decode() for seq in sorted(events)])
        after = first + len(events) - 1


def _events_after(store: redis.Redis, room: str, after: int, head: int) -> dict[int, bytes]:
    """Return the next events without a hole. What was moved out of the stream is read after it: a message that is
    deleted between the two reads is in both, and has no text in the second one.
    """
    entries: Any = store.xrange(keys.log(room), min=str(after + 1), max=str(head), count=PAGE_EVENTS)
    events = {_seq(entry): entry[1][b"e"] for entry in entries}
    last = max(events) if len(entries) == PAGE_EVENTS else head
    moved: Any = store.zrange(
        keys.moved(room), after + 1, last, byscore=True, offset=0, num=PAGE_EVENTS, withscores=True
    )
    events |= {int(seq): event for event, seq in moved}
    seq = min(events, default=0)
    consecutive = {}
    while seq in events:
        consecutive[seq] = events[seq]
        seq += 1
    return consecutive


def _seq(entry: tuple[bytes, object]) -> int:
    return int(entry[0].partition(b"-")[0])


def _seen_cids(store: redis.Redis, room: str, head: int) -> Iterator[Record]:
    """Yield the cids up to `head`. A later one is left out like its event, so that a repeated send is appended."""
    today = store.time()[0] // seen_cids.DAY_SECONDS
    for day in (today - 1, today):
        exported = ((digest.hex(), f"{seq} {at}") for digest, seq, at in _accepted_on(store, room, day) if seq <= head)
        while page := dict(itertools.islice(exported, _PAGE_CIDS)):
            yield SeenCids(page)


def _accepted_on(store: redis.Redis, room: str, day: int) -> Iterator[tuple[bytes, int, str]]:
    """Yield the digests of the cids accepted on a day, with the positions of their events."""
    for field, value in _scan(store, seen_cids.seen_hash_v1(room, day)):
        user, _, cid = field.decode().partition(" ")
        seq, _, at = value.decode().partition(" ")
        yield seen_cids.cid_digest(user, cid), int(seq), at
    hashes = [seen_cids.first_hash(room, day)]
    if store.hlen(hashes[0]) >= seen_cids.FIRST_CIDS:
        hashes += seen_cids.bucket_hashes(room, day)
    for name in hashes:
        for digest, packed in _scan(store, name):
            yield digest, *seen_cids.unpack_position(packed)


def _scan(store: redis.Redis, name: str) -> Iterator[tuple[bytes, bytes]]:
    scan: Iterator[tuple[bytes, bytes]] = store.hscan_iter(name, count=_PAGE_CIDS)
    return scan
