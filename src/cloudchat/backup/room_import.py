"""Write rooms from a backup into a store.

Every room starts a new epoch, because the backup lacks messages acknowledged after it, and those seqs will be used
again. Events keep their seq and their bytes. A client that had read further than the backup gets a gap notice.
"""

from collections.abc import Iterable
from typing import Any

import redis

from cloudchat.backup.room_records import BadRecords, LogPage, Record, RoomEnd, RoomStart, SeenCids, validate_records
from cloudchat.broker import keys, seen_cids
from cloudchat.broker.connections.sync_client import open_client
from cloudchat.broker.functions import FUNCTIONS
from cloudchat.broker.numbering.epochs import new_epoch

_SCAN_COUNT = 500


def import_rooms(url: str, records: Iterable[Record]) -> int:
    """Write every room, and return the number of rooms. Existing rooms are replaced.

    Raises BrokerUnavailable, BadRecords.
    """
    rooms = 0
    with open_client(url) as store:
        store.function_load(FUNCTIONS, replace=True)
        room: _RoomImport | None = None
        for record in validate_records(records):
            if isinstance(record, RoomStart):
                room = _RoomImport(store, record)
                continue
            assert room is not None  # noqa: S101 — checked by validate_records
            match record:
                case LogPage():
                    room.add_events(record)
                case SeenCids():
                    room.add_cids(record)
                case RoomEnd():
                    room.finish()
                    rooms += 1
    return rooms


def remove_rooms(url: str) -> None:
    """Remove every room from the store. Raises BrokerUnavailable."""
    with open_client(url) as store:
        names = (
            keys.meta("*"),
            keys.log("*"),
            keys.moved("*"),
            keys.states("*"),
            *keys.kept("*"),
            f"{keys.seen('*')}*",
            f"{keys.slow('*')}*",
        )
        for pattern in names:
            for name in store.scan_iter(match=pattern, count=_SCAN_COUNT):
                store.unlink(name)


class _RoomImport:
    """The import of one room. Its meta key is written last: until then the room does not exist."""

    def __init__(self, store: redis.Redis, start: RoomStart) -> None:
        self._store = store
        self._room = start.room
        self._head = start.head
        self._next_seq = 1
        # Store all cids under the store's current day: a client may repeat a send for one or two days from now.
        self._today = store.time()[0] // seen_cids.DAY_SECONDS
        self._cids = 0
        self._lowest_state = -1
        room = self._room
        names = [keys.meta(room), keys.log(room), keys.moved(room), keys.states(room), *keys.kept(room)]
        for day in (self._today - 1, self._today):
            names += [seen_cids.seen_hash_v1(self._room, day), seen_cids.first_hash(self._room, day)]
            names += seen_cids.bucket_hashes(self._room, day)
        store.unlink(*names)

    def add_events(self, page: LogPage) -> None:
        """Append a page in one transaction, which costs one fsync."""
        name = keys.log(self._room)
        with self._store.pipeline(transaction=True) as transaction:
            if page.first != self._next_seq:
                transaction.unlink(name, keys.states(self._room))
            for seq, event in enumerate(page.events, page.first):
                transaction.xadd(name, {"e": event}, id=f"{seq}-0")
            transaction.execute()
        self._next_seq = page.first + len(page.events)
        # The backup has no states of messages: they follow from the edits, reactions and deletions in the log.
        arguments = keys.meta(self._room), keys.log(self._room), page.first, self._next_seq - 1
        self._lowest_state = self._store.execute_command("FCALL", "cloudchat_index_v5", 2, *arguments)  # type: ignore[no-untyped-call]

    def add_cids(self, seen: SeenCids) -> None:
        """Write a page of cids. Raises BadRecords."""
        expires_at = (self._today + 2) * seen_cids.DAY_SECONDS + 3600
        with self._store.pipeline(transaction=True) as transaction:
            for name, accepted in seen.accepted.items():
                try:
                    digest, position = _parse_accepted(name, accepted)
                except (ValueError, OverflowError) as error:
                    raise BadRecords(f"the room {self._room} has a cid that cannot be read: {error}") from error
                key = self._seen_hash(digest)
                transaction.hset(key, digest, position)
                transaction.expireat(key, expires_at)
            transaction.execute()

    def _seen_hash(self, digest: bytes) -> str:
        self._cids += 1
        if self._cids <= seen_cids.FIRST_CIDS:
            return seen_cids.first_hash(self._room, self._today)
        return seen_cids.bucket_hash(self._room, self._today, digest)

    def finish(self) -> None:
        meta: dict[Any, Any] = {"epoch": new_epoch(), "seq": self._head}  # Any: the keys of a Mapping are invariant
        if self._lowest_state > 0:
            meta["side"] = self._lowest_state
        self._store.hset(keys.meta(self._room), mapping=meta)


def _parse_accepted(name: str, accepted: str) -> tuple[bytes, bytes]:
    """Return the digest and the packed position of an item of `SeenCids`. Raises ValueError, OverflowError."""
    user, space, cid = name.partition(" ")
    digest = seen_cids.cid_digest(user, cid) if space else bytes.fromhex(name)
    if len(digest) != seen_cids.DIGEST_BYTES:
        raise ValueError("a digest of the wrong length")
    seq, _, at = accepted.partition(" ")
    return digest, seen_cids.pack_position(int(seq), at)
