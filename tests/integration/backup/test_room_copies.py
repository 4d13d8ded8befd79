"""Rooms that leave one store for another, while they are written to: what comes out of it is a room again."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from io import BytesIO
from itertools import permutations
from typing import Any

import pytest
import redis

from cloudchat.backup.room_export import PAGE_EVENTS, export_rooms, holds_rooms
from cloudchat.backup.room_import import import_rooms, remove_rooms
from cloudchat.backup.room_records import (
    BadRecords,
    LogPage,
    Record,
    RoomBegins,
    RoomEnds,
    SeenCids,
    read_records,
    write_records,
)
from cloudchat.broker import keys
from cloudchat.broker.append_pipeline import FUNCTIONS
from support.stores import RunningStore, store_binaries

KEEP = 1000


class Rooms:
    """A store's rooms, asked and written as the server does it."""

    def __init__(self, running: RunningStore) -> None:
        self.url = running.url
        self.store = redis.Redis(port=running.port)
        self.store.function_load(FUNCTIONS, replace=True)

    def append(self, room: str, text: str, *, keep: int = KEEP) -> tuple[str, int, bool]:
        """(epoch, seq, whether it was there before); the text is the cid too."""
        names = keys.meta(room), keys.log(room), keys.seen(room), keys.channel(room)
        body = f'"text":{json.dumps(text)}}}'
        arguments = ("candidate", room, "message", body, "ann", text, "now", keep, "", 0)
        epoch, place, again = self.store.execute_command("FCALL", "cloudchat_append_v1", 4, *names, *arguments)
        return epoch.decode(), int(place.split()[0]), bool(again)

    def log(self, room: str) -> list[bytes]:
        return [fields[b"e"] for _, fields in self.store.xrange(keys.log(room))]

    def meta(self, room: str) -> dict[bytes, bytes]:
        return self.store.hgetall(keys.meta(room))


@pytest.fixture(scope="module")
def stores() -> Iterator[dict[str, RunningStore]]:
    with ExitStack() as running:
        yield {name: running.enter_context(RunningStore(binary)) for name, binary in store_binaries().items()}


@pytest.fixture
def here(stores: dict[str, RunningStore]) -> Rooms:
    return emptied(next(iter(stores.values())))


def emptied(store: RunningStore) -> Rooms:
    rooms = Rooms(store)
    rooms.store.flushall()
    return rooms


def through_a_file(records: Iterator[Record]) -> Iterator[Record]:
    file = BytesIO()
    write_records(records, file)
    file.seek(0)
    return read_records(file)


@pytest.mark.parametrize(("source", "target"), list(permutations(store_binaries(), 2)))
def test_a_room_moves_between_redis_and_valkey_byte_for_byte(
    stores: dict[str, RunningStore], source: str, target: str
) -> None:
    old, new = emptied(stores[source]), emptied(stores[target])
    texts = [f"„{number}“ 🙂\\n" for number in range(PAGE_EVENTS * 2 + 7)]
    places = {text: old.append("lobby", text) for text in texts}
    old.append("other", "alone")
    assert import_rooms(new.url, through_a_file(export_rooms(old.url))) == 2
    assert new.log("lobby") == old.log("lobby")
    assert new.meta("lobby")[b"seq"] == old.meta("lobby")[b"seq"]
    assert new.meta("lobby")[b"epoch"] not in (old.meta("lobby")[b"epoch"], new.meta("other")[b"epoch"])
    for text in (texts[0], texts[-1]):
        _, seq, again = new.append("lobby", text)
        assert (seq, again) == (places[text][1], True)
    assert new.append("lobby", "after it")[1:] == (len(texts) + 1, False)
    assert 0 < new.store.ttl(new.store.keys(f"{keys.seen('lobby')}*")[0]) <= 49 * 3600


def test_what_is_appended_during_the_export_is_left_out_with_its_cid(here: Rooms) -> None:
    """Were its cid in the copy, and the event not, a repeat would be acknowledged and lost."""
    for number in range(PAGE_EVENTS * 3):
        here.append("lobby", f"before {number}")
    records = []
    for record in export_rooms(here.url):
        records.append(record)
        here.append("lobby", f"during {len(records)}")
    remove_rooms(here.url)
    import_rooms(here.url, records)
    assert len(here.log("lobby")) == PAGE_EVENTS * 3
    assert here.append("lobby", "during 1")[1:] == (PAGE_EVENTS * 3 + 1, False)
    assert here.append("lobby", "before 7")[1:] == (8, True)


def test_events_forgotten_during_the_export_leave_no_hole(here: Rooms) -> None:
    for number in range(PAGE_EVENTS * 3):
        here.append("lobby", f"m{number}")
    records = []
    for record in export_rooms(here.url):
        records.append(record)
        if len(records) == 2:  # the first page is out; the second one will not be there
            here.append("lobby", "and only 50 stay", keep=50)
    import_rooms(here.url, records)
    seqs = [json.loads(event)["seq"] for event in here.log("lobby")]
    assert seqs == list(range(PAGE_EVENTS * 3 - 48, PAGE_EVENTS * 3 + 1))


def test_a_room_lost_during_the_export_is_taken_as_it_is_afterwards(here: Rooms) -> None:
    for number in range(PAGE_EVENTS + 1):
        here.append("lobby", f"old {number}")
    records = []
    for record in export_rooms(here.url):
        records.append(record)
        if len(records) == 2:
            here.store.delete(keys.meta("lobby"))
            here.append("lobby", "new")
            here.store.hset(keys.meta("lobby"), "epoch", "another")
    import_rooms(here.url, records)
    assert [json.loads(event)["text"] for event in here.log("lobby")] == ["new"]


def test_only_rooms_are_removed(here: Rooms) -> None:
    here.append("lobby", "hello")
    here.store.set("somebody else's", 1)
    assert holds_rooms(here.url)
    remove_rooms(here.url)
    assert not holds_rooms(here.url)
    assert here.store.keys() == [b"somebody else's"]


PAGE = LogPage(first=1, events=["{}"])
BROKEN: dict[str, list[Any]] = {
    "no room": [PAGE],
    "no end": [RoomBegins("lobby", "e", 1), PAGE],
    "another's end": [RoomBegins("lobby", "e", 1), PAGE, RoomEnds("other")],
    "an end too early": [RoomBegins("lobby", "e", 2), PAGE, RoomEnds("lobby")],
    "a part after the end": [RoomBegins("lobby", "e", 1), PAGE, RoomEnds("lobby"), SeenCids({})],
}


@pytest.mark.parametrize("records", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_no_whole_room_is_refused(here: Rooms, records: list[Any]) -> None:
    with pytest.raises(BadRecords):
        import_rooms(here.url, records)


def test_a_line_that_is_no_record_is_refused() -> None:
    with pytest.raises(BadRecords):
        list(read_records(BytesIO(b'{"type":"room","room":"lobby"}\n')))
