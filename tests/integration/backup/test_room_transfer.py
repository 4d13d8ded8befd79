"""Rooms exported from one store, while it is written to, and imported into another."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from io import BytesIO
from itertools import permutations
from typing import Any

import pytest
import redis

from cloudchat.backup.room_export import PAGE_EVENTS, export_rooms, has_rooms
from cloudchat.backup.room_import import import_rooms, remove_rooms
from cloudchat.backup.room_records import (
    BadRecords,
    LogPage,
    Record,
    RoomEnd,
    RoomStart,
    SeenCids,
    read_records,
    write_records,
)
from cloudchat.broker import keys
from cloudchat.broker.functions import FUNCTIONS
from cloudchat.broker.seen_cids import DAY_SECONDS, cid_digest, seen_hash_v1
from cloudchat.core.message_fold import current_form
from support.stores import RunningStore, store_binaries

HISTORY_EVENTS = 1000
AT = "2026-11-22T19:32:48.123Z"


class Rooms:
    """The rooms of a store, read and written as the server does."""

    def __init__(self, running: RunningStore) -> None:
        self.url = running.url
        self.store: Any = redis.Redis(port=running.port)  # Any: redis-py's types do not say whether replies are bytes
        self.store.function_load(FUNCTIONS, replace=True)

    def append(self, room: str, text: str, *, history: int = HISTORY_EVENTS) -> tuple[str, int, bool]:
        """Append an event whose cid is its text; return its epoch, its seq, and whether it is a duplicate."""
        body = f'"cid":"","user":{{"id":"ann","name":"ann"}},"text":{json.dumps(text)},"at":"{AT}"}}'
        digest = cid_digest("ann", text)
        arguments = ("candidate", history, "", room, "message", body, "ann", digest, AT, 0, 0, 0, 0)
        _, reply = self.store.execute_command("FCALL", "cloudchat_append_v5", 0, *arguments)
        epoch, seq, duplicate = reply[:3]
        return epoch.decode(), seq, bool(duplicate)

    def change(self, room: str, target: int, kind: str, *, cid: str, body: str = "", reaction: Any = ("", 0)) -> int:
        """Append a change of a message; return its seq."""
        body = f'"target":{target},"user":{{"id":"ann","name":"ann"}},{body}"at":"{AT}"}}'
        head = ("candidate", HISTORY_EVENTS, "", room, kind, body, "ann", cid_digest("ann", cid), AT, 0, 0)
        _, (_, seq, outcome) = self.store.execute_command(
            "FCALL", "cloudchat_change_v5", 1, keys.meta(room), *head, target, 0, *reaction
        )
        assert outcome == 0
        return int(seq)

    def archived(self, room: str, seq: int, *, history: int) -> None:
        """Report that all events up to `seq` are in the archive."""
        names = keys.meta(room), keys.log(room)
        self.store.execute_command("FCALL", "cloudchat_archived_v5", 2, *names, "candidate", seq, history, 0)

    def history(self, room: str) -> list[dict[str, Any]]:
        """Return all rows, newest first."""
        arguments = "candidate", 2**53 - 1, 10_000, 2**53 - 1, 0, 10_000_000, 0
        names = keys.meta(room), keys.log(room)
        rows = self.store.execute_command("FCALL", "cloudchat_history_v5", 2, *names, *arguments)[4]
        return [json.loads(current_form(*row)) for row in rows]

    def log(self, room: str) -> list[bytes]:
        arguments = "candidate", 0, 10_000, 10_000_000, 0
        names = keys.meta(room), keys.log(room)
        events: list[bytes] = self.store.execute_command("FCALL", "cloudchat_read_v5", 2, *names, *arguments)[4]
        return events

    def meta(self, room: str) -> dict[bytes, bytes]:
        return dict(self.store.hgetall(keys.meta(room)))


@pytest.fixture(scope="module")
def stores() -> Iterator[dict[str, RunningStore]]:
    with ExitStack() as running:
        yield {name: running.enter_context(RunningStore(binary)) for name, binary in store_binaries().items()}


@pytest.fixture
def rooms(stores: dict[str, RunningStore]) -> Rooms:
    return empty_rooms(next(iter(stores.values())))


def empty_rooms(store: RunningStore) -> Rooms:
    empty = Rooms(store)
    empty.store.flushall()
    return empty


def write_and_read(records: Iterator[Record]) -> Iterator[Record]:
    file = BytesIO()
    write_records(records, file)
    file.seek(0)
    return read_records(file)


@pytest.mark.parametrize(("source", "target"), list(permutations(store_binaries(), 2)))
def test_import_copies_rooms_between_redis_and_valkey_byte_for_byte(
    stores: dict[str, RunningStore], source: str, target: str
) -> None:
    old, new = empty_rooms(stores[source]), empty_rooms(stores[target])
    texts = [f"„{number}“ 🙂\\n" for number in range(PAGE_EVENTS * 2 + 7)]
    accepted = {text: old.append("lobby", text) for text in texts}
    old.append("other", "alone")
    assert import_rooms(new.url, write_and_read(export_rooms(old.url))) == 2
    assert new.log("lobby") == old.log("lobby")
    assert new.meta("lobby")[b"seq"] == old.meta("lobby")[b"seq"]
    assert new.meta("lobby")[b"epoch"] not in (old.meta("lobby")[b"epoch"], new.meta("other")[b"epoch"])
    for text in texts:
        _, seq, duplicate = new.append("lobby", text)
        assert (seq, duplicate) == (accepted[text][1], True)
    assert new.append("lobby", "after it")[1:] == (len(texts) + 1, False)
    assert 0 < new.store.ttl(new.store.keys(f"{keys.seen('lobby')}*")[0]) <= 49 * 3600


@pytest.mark.parametrize(("source", "target"), list(permutations(store_binaries(), 2)))
def test_changed_messages_are_the_same_after_an_import(
    stores: dict[str, RunningStore], source: str, target: str
) -> None:
    old, new = empty_rooms(stores[source]), empty_rooms(stores[target])
    for number in range(PAGE_EVENTS + 50):
        old.append("lobby", f"<{number}> is a text")
    old.change("lobby", 3, "edited", cid="a", body='"text":"new",')
    old.change("lobby", 4, "reaction", cid="b", reaction=("x", 1), body='"emoji":"x","on":true,')
    for number in (3, 60, PAGE_EVENTS, PAGE_EVENTS + 1, PAGE_EVENTS + 49):
        old.change("lobby", number, "deleted", cid=f"delete {number}")
    import_rooms(new.url, write_and_read(export_rooms(old.url)))
    assert new.log("lobby") == old.log("lobby")
    assert new.history("lobby") == old.history("lobby")
    assert len(new.history("lobby")) == PAGE_EVENTS + 50
    assert not any(b"<59>" in new.store.dump(name) for name in new.store.keys("*"))
    new.change("lobby", 4, "reaction", cid="c", reaction=("x", 0), body='"emoji":"x","on":false,')


def test_a_message_deleted_during_the_export_leaves_no_gap(rooms: Rooms) -> None:
    for number in range(PAGE_EVENTS * 3):
        rooms.append("lobby", f"m{number}")
    records = []
    targets = iter(range(PAGE_EVENTS // 2, PAGE_EVENTS * 3, PAGE_EVENTS // 3))
    for record in export_rooms(rooms.url):
        records.append(record)
        if not isinstance(record, SeenCids):
            rooms.change("lobby", next(targets), "deleted", cid=f"delete {len(records)}")
    remove_rooms(rooms.url)
    import_rooms(rooms.url, records)
    assert [json.loads(event)["seq"] for event in rooms.log("lobby")] == list(range(1, PAGE_EVENTS * 3 + 1))


def test_event_appended_during_the_export_is_left_out_together_with_its_cid(rooms: Rooms) -> None:
    """If the copy had the cid without the event, a repeated send would be acknowledged and lost."""
    for number in range(PAGE_EVENTS * 3):
        rooms.append("lobby", f"before {number}")
    records = []
    for record in export_rooms(rooms.url):
        records.append(record)
        rooms.append("lobby", f"during {len(records)}")
    remove_rooms(rooms.url)
    import_rooms(rooms.url, records)
    assert len(rooms.log("lobby")) == PAGE_EVENTS * 3
    assert rooms.append("lobby", "during 1")[1:] == (PAGE_EVENTS * 3 + 1, False)
    assert rooms.append("lobby", "before 7")[1:] == (8, True)


def test_events_trimmed_during_the_export_leave_no_gap(rooms: Rooms) -> None:
    for number in range(PAGE_EVENTS * 3):
        rooms.append("lobby", f"m{number}")
    records = []
    for record in export_rooms(rooms.url):
        records.append(record)
        if len(records) == 2:  # after the first page is exported, trim the second one
            rooms.append("lobby", "the last one")
            rooms.archived("lobby", PAGE_EVENTS * 3 + 1, history=50)
    import_rooms(rooms.url, records)
    seqs = [json.loads(event)["seq"] for event in rooms.log("lobby")]
    assert seqs == list(range(PAGE_EVENTS * 3 - 48, PAGE_EVENTS * 3 + 1))


def test_room_lost_during_the_export_is_exported_again(rooms: Rooms) -> None:
    for number in range(PAGE_EVENTS + 1):
        rooms.append("lobby", f"old {number}")
    records = []
    for record in export_rooms(rooms.url):
        records.append(record)
        if len(records) == 2:
            rooms.store.delete(keys.meta("lobby"))
            rooms.append("lobby", "new")
            rooms.store.hset(keys.meta("lobby"), "epoch", "another")
    import_rooms(rooms.url, records)
    assert [json.loads(event)["text"] for event in rooms.log("lobby")] == ["new"]


def test_remove_rooms_removes_only_rooms(rooms: Rooms) -> None:
    rooms.append("lobby", "hello")
    rooms.store.set("another application's key", 1)
    assert has_rooms(rooms.url)
    remove_rooms(rooms.url)
    assert not has_rooms(rooms.url)
    assert rooms.store.keys() == [b"another application's key"]


def test_cids_of_an_older_backup_are_recognized(rooms: Rooms) -> None:
    start, page, end = RoomStart("lobby", "e", 1), LogPage(first=1, events=["{}"]), RoomEnd("lobby")
    import_rooms(rooms.url, [start, page, SeenCids({"ann hello": f"1 {AT}"}), end])
    assert rooms.append("lobby", "hello")[1:] == (1, True)


def test_cids_written_by_the_earlier_version_are_exported(rooms: Rooms) -> None:
    rooms.append("lobby", "new")
    today = rooms.store.time()[0] // DAY_SECONDS
    rooms.store.hset(seen_hash_v1("lobby", today - 1), "ann hello", f"1 {AT}")
    records = list(export_rooms(rooms.url))
    import_rooms(rooms.url, records)
    assert [rooms.append("lobby", text)[1:] for text in ("hello", "new")] == [(1, True), (1, True)]


@pytest.mark.parametrize(
    "accepted", [{"nonsense": f"1 {AT}"}, {"ab": f"1 {AT}"}, {"ann hello": "1 now"}, {"ann hello": f"-1 {AT}"}]
)
def test_import_rejects_unreadable_cids(rooms: Rooms, accepted: dict[str, str]) -> None:
    with pytest.raises(BadRecords):
        import_rooms(rooms.url, [RoomStart("lobby", "e", 1), SeenCids(accepted), RoomEnd("lobby")])


PAGE = LogPage(first=1, events=["{}"])
INVALID_RECORDS: dict[str, list[Any]] = {
    "no start": [PAGE],
    "no end": [RoomStart("lobby", "e", 1), PAGE],
    "end of another room": [RoomStart("lobby", "e", 1), PAGE, RoomEnd("other")],
    "end before the head": [RoomStart("lobby", "e", 2), PAGE, RoomEnd("lobby")],
    "record after the end": [RoomStart("lobby", "e", 1), PAGE, RoomEnd("lobby"), SeenCids({})],
}


@pytest.mark.parametrize("records", INVALID_RECORDS.values(), ids=INVALID_RECORDS.keys())
def test_import_rejects_incomplete_rooms(rooms: Rooms, records: list[Any]) -> None:
    with pytest.raises(BadRecords):
        import_rooms(rooms.url, records)


def test_read_records_rejects_a_line_that_is_not_a_record() -> None:
    with pytest.raises(BadRecords):
        list(read_records(BytesIO(b'{"type":"room","room":"lobby"}\n')))
