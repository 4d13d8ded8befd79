"""The guarantee of `Broker`, on each real store."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis

from cloudchat.broker import keys
from cloudchat.broker.appends import Appended, AppendOutcome, Entry
from cloudchat.broker.archiving.log_archive import UnarchivedRange
from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.broker.numbering.high_water_marks import Mark
from cloudchat.broker.reads import HistoryRange
from cloudchat.broker.redis_broker import RedisBroker
from cloudchat.broker.redis_reads import MAX_PAGE_BYTES
from cloudchat.broker.seen_cids import cid_digest
from integration.broker.brokers import RecordingListener, broker_on
from support.stores import RunningStore

pytestmark = pytest.mark.anyio

EARLIER_FUNCTIONS = (Path(__file__).parent / "functions_v4.lua").read_text()
"""The library that servers load which share a store with this version during an upgrade."""


def entry(room: str, text: str, *, user: str = "ann", cid: str | None = None) -> Entry:
    cid = cid or str(uuid.uuid4())
    at = "2026-11-22T09:05:01.007Z"
    body = msgspec.json.encode({"cid": cid, "user": {"id": user, "name": user}, "text": text, "at": at})[1:]
    return Entry(room, user, cid, "message", body, at)


async def append(broker: RedisBroker, *entries: Entry) -> list[Appended]:
    """Append all entries in one tick and return their positions."""
    loop = asyncio.get_running_loop()
    answers: list[asyncio.Future[AppendOutcome]] = [loop.create_future() for _ in entries]
    for one, answer in zip(entries, answers, strict=True):
        broker.append(one, answer.set_result)
    outcomes = await asyncio.wait_for(asyncio.gather(*answers), 20)
    assert all(isinstance(outcome, Appended) for outcome in outcomes), outcomes
    return [outcome for outcome in outcomes if isinstance(outcome, Appended)]


def batched(entries: list[Entry], size: int) -> list[list[Entry]]:
    return [entries[start : start + size] for start in range(0, len(entries), size)]


@pytest.fixture
def room() -> str:
    return f"room-{uuid.uuid4().hex[:8]}"


async def test_seqs_have_no_holes_and_are_in_the_event_bytes(store: RunningStore, room: str) -> None:
    async with broker_on(store) as broker:
        appended = await append(broker, *(entry(room, f"m{number}") for number in range(1, 101)))
        assert [outcome.seq for outcome in appended] == list(range(1, 101))
        page = await broker.read(room, 0, 500)
        frames = [json.loads(event) for event in page.events]
        assert [(frame["seq"], frame["text"]) for frame in frames] == [(n, f"m{n}") for n in range(1, 101)]
        assert {frame["epoch"] for frame in frames} == {page.epoch} == {outcome.epoch for outcome in appended}
        assert (page.head, page.oldest, page.first) == (100, 1, 1)


async def test_the_first_append_keeps_the_epoch_of_an_empty_room(store: RunningStore, room: str) -> None:
    async with broker_on(store) as broker:
        first = await broker.read(room, 0, 10)
        assert (first.head, first.oldest, first.events) == (0, 1, [])
        (outcome,) = await append(broker, entry(room, "hello"))
        assert (outcome.epoch, outcome.seq) == (first.epoch, 1)


async def test_a_cid_is_stored_once_per_user_across_processes(store: RunningStore, room: str) -> None:
    async with broker_on(store) as one, broker_on(store) as two:
        cid = str(uuid.uuid4())
        (first,) = await append(one, entry(room, "hello", cid=cid))
        (again,) = await append(two, entry(room, "hello", cid=cid))
        assert again == Appended(first.seq, first.epoch, first.at, duplicate=True)
        (other,) = await append(two, entry(room, "hello", cid=cid, user="bob"))
        assert (other.seq, other.duplicate) == (2, False)
        repeated = entry(room, "repeated")
        assert [outcome.duplicate for outcome in await append(one, repeated, repeated)] == [False, True]
        assert (await one.read(room, 0, 10)).head == 3


async def test_every_cid_is_remembered_in_few_bytes(store: RunningStore, room: str) -> None:
    sent = [entry(room, f"m{number}") for number in range(4000)]
    async with broker_on(store, history_messages=10) as broker:
        first, again = [
            [outcome for some in batched(sent, 500) for outcome in await append(broker, *some)] for _ in range(2)
        ]
    assert all(outcome.duplicate for outcome in again)
    assert [(outcome.seq, outcome.at) for outcome in again] == [(outcome.seq, outcome.at) for outcome in first]
    with redis.Redis(port=store.port) as other:
        hashes = list(other.scan_iter(match=f"{keys.seen(room)}*", count=1000))
        assert all(0 < other.ttl(name) <= 49 * 3600 for name in hashes)
        assert sum(other.memory_usage(name, samples=0) or 0 for name in hashes) / len(sent) < 50


class EarlierServer:
    """Appends as a server of the earlier version does, with its library."""

    def __init__(self, store: RunningStore) -> None:
        self._store = store

    def append(self, sent: Entry) -> tuple[int, str, bool]:
        names = keys.meta(sent.room), keys.log(sent.room), keys.seen(sent.room), keys.channel(sent.room)
        digest = cid_digest(sent.user, sent.cid)
        arguments = "candidate", sent.room, sent.kind, sent.body, sent.user, digest, sent.at, 1000, 0, 0, 0, 0
        with redis.Redis(port=self._store.port) as other:
            other.function_load(EARLIER_FUNCTIONS, replace=True)
            reply: Any = other.execute_command("FCALL", "cloudchat_append_v4", 4, *names, *arguments)
        seq, _, at = reply[1].decode().partition(" ")
        return int(seq), at, bool(reply[2])


async def test_servers_of_two_versions_recognize_each_others_cids(store: RunningStore, room: str) -> None:
    earlier = EarlierServer(store)
    async with broker_on(store) as broker:
        to_earlier, to_new = entry(room, "to the earlier one"), entry(room, "to the new one")
        assert earlier.append(to_earlier) == (1, to_earlier.at, False)
        (new,) = await append(broker, to_new)
        assert (new.seq, new.duplicate) == (2, False)
        (again,) = await append(broker, to_earlier)
        assert (again.seq, again.at, again.duplicate) == (1, to_earlier.at, True)
        assert earlier.append(to_new) == (2, to_new.at, True)


async def test_a_cid_is_remembered_after_a_kill_of_the_store(store: RunningStore, room: str) -> None:
    sent = entry(room, "hello")
    async with broker_on(store) as broker:
        (first,) = await append(broker, sent)
    store.kill()
    store.start()
    async with broker_on(store) as broker:
        (again,) = await append(broker, sent)
        assert (again.seq, again.epoch, again.duplicate) == (first.seq, first.epoch, True)


async def test_paging_forward_and_backward_returns_the_same_events(store: RunningStore, room: str) -> None:
    async with broker_on(store) as broker:
        await append(broker, *(entry(room, f"m{number}") for number in range(1, 26)))
        whole = (await broker.read(room, 0, 500)).events
        forward: list[bytes] = []
        while (page := await broker.read(room, len(forward), 10)).events:
            assert page.first == len(forward) + 1
            forward += page.events
        back: list[bytes] = []
        before = 2**53 - 1
        while rows := (await broker.history(room, HistoryRange.before_seq(before, 10))).rows:
            back = rows + back
            before = json.loads(rows[0])["seq"]
        assert forward == back == whole


async def test_a_page_is_limited_in_bytes_and_has_at_least_one_event(store: RunningStore, room: str) -> None:
    async with broker_on(store) as broker:
        large = "x" * (MAX_PAGE_BYTES // 4)
        await append(broker, *(entry(room, large) for _ in range(8)), entry(room, "y" * 2 * MAX_PAGE_BYTES))
        rows = (await broker.history(room, HistoryRange.before_seq(9, 500))).rows
        for events in ((await broker.read(room, 0, 500)).events, rows):
            assert len(events) == 3
            assert sum(map(len, events)) <= MAX_PAGE_BYTES
        assert json.loads(rows[-1])["seq"] == 8
        assert len((await broker.read(room, 8, 500)).events) == 1


@contextmanager
def copied_events(store: RunningStore) -> Iterator[list[int]]:
    """Collect how many events each read of a stream inside the functions asks for."""
    counts: list[int] = []
    with redis.Redis(port=store.port) as other, other.monitor() as monitor, redis.Redis(port=store.port) as marker:
        yield counts
        marker.echo("end")
        while not (command := monitor.next_command()["command"]).startswith("ECHO"):
            if command.startswith(("XRANGE", "XREVRANGE")):
                counts.append(int(command.rsplit(" ", 1)[1]))


async def test_a_read_of_large_events_copies_hardly_more_than_it_returns(store: RunningStore, room: str) -> None:
    """Copying 500 large events to return 42 made one member's reads slow down everybody's sends."""
    async with broker_on(store) as broker:
        large = "x" * (MAX_PAGE_BYTES // 42)
        await append(broker, *(entry(room, "small") for _ in range(30)))
        await append(broker, *(entry(room, large) for _ in range(200)))
        with copied_events(store) as counts:
            events = (await broker.read(room, 0, 500)).events
        assert 40 < len(events) < 80
        assert sum(counts) <= len(events) + 10
        with copied_events(store) as counts:
            rows = (await broker.history(room, HistoryRange.before_seq(2**53 - 1, 500))).rows
        assert 40 < len(rows) < 80
        assert sum(counts) <= len(rows) + 10


async def test_a_received_event_has_the_bytes_of_the_stored_one(store: RunningStore, room: str) -> None:
    listener = RecordingListener()
    async with broker_on(store, listener=listener) as receiving, broker_on(store) as sending:
        receiving.subscribe(room)
        await asyncio.wait_for(listener.confirmed.wait(), 10)
        sent = entry(room, "zwölf Boxkämpfer 🥊\n")
        await append(sending, sent, sent)
        received = await asyncio.wait_for(listener.events.get(), 10)
        page = await receiving.read(room, 0, 10)
        assert received == (page.epoch, 1, page.events[0])
        assert listener.events.empty(), "a repeated append was published"


async def test_a_dropped_subscriber_reconnects_and_is_notified(store: RunningStore, room: str) -> None:
    listener = RecordingListener()
    async with broker_on(store, listener=listener) as broker:
        broker.subscribe(room)
        await asyncio.wait_for(listener.confirmed.wait(), 10)
        listener.confirmed.clear()
        with redis.Redis(port=store.port) as other:
            assert other.client_kill_filter(_type="pubsub") == 1
        await asyncio.wait_for(listener.confirmed.wait(), 10)
        await append(broker, entry(room, "hello"))
        assert (await asyncio.wait_for(listener.events.get(), 10))[1] == 1


async def test_an_emptied_store_continues_above_the_lost_events(store: RunningStore, room: str) -> None:
    async with broker_on(store) as broker:
        (before,) = await append(broker, entry(room, "lost"))
        with redis.Redis(port=store.port) as other:
            other.flushall()
        (after,) = await append(broker, entry(room, "new"))
        assert (before.seq, after.seq) == (1, 2)
        assert after.epoch != before.epoch
        assert (await broker.read(room, 0, 10)).oldest == 2


async def test_flushed_functions_are_loaded_again(store: RunningStore, room: str) -> None:
    async with broker_on(store) as broker:
        await append(broker, entry(room, "one"))
        with redis.Redis(port=store.port) as other:
            other.execute_command("FUNCTION", "FLUSH")
        assert (await broker.read(room, 0, 10)).head == 1
        await append(broker, entry(room, "two"))


async def test_a_log_that_lost_its_end_does_not_assign_its_numbers_again(store: RunningStore, room: str) -> None:
    """As after a restore from an older backup: the first append must already start a new epoch."""
    async with broker_on(store) as broker:
        appended = await append(broker, *(entry(room, f"m{number}") for number in range(1, 4)))
        copy = backup(store, room)
        await append(broker, entry(room, "m4"), entry(room, "m5"))
        restore(store, copy)
        (after,) = await append(broker, entry(room, "new"))
        assert after.seq == 6
        assert after.epoch != appended[0].epoch
        page = await broker.read(room, 0, 10)
        assert (page.oldest, page.first, page.head) == (6, 6, 6)
        assert [json.loads(event)["epoch"] for event in page.events] == [after.epoch]
        (kept,) = await broker.archive.unarchived([UnarchivedRange(room, 0, 10)])
        assert [seq for seq, _ in kept.events] == [1, 2, 3, 6]


async def test_a_process_that_only_received_the_lost_events_detects_the_loss(store: RunningStore, room: str) -> None:
    listener = RecordingListener()
    async with broker_on(store, listener=listener) as receiving, broker_on(store) as sending:
        receiving.subscribe(room)
        await asyncio.wait_for(listener.confirmed.wait(), 10)
        (first, *_) = await append(sending, *(entry(room, f"m{number}") for number in range(1, 4)))
        copy = backup(store, room)
        await append(sending, entry(room, "m4"), entry(room, "m5"))
        while (await asyncio.wait_for(listener.events.get(), 10))[1] < 5:
            pass
        restore(store, copy)
        page = await receiving.read(room, 5, 10)
        assert (page.head, page.oldest) == (5, 6)
        assert page.epoch != first.epoch


async def test_two_processes_that_detect_a_loss_agree_on_one_epoch(store: RunningStore, room: str) -> None:
    async with broker_on(store) as one, broker_on(store) as two:
        await append(one, *(entry(room, f"m{number}") for number in range(1, 4)))
        copy = backup(store, room)
        await append(one, entry(room, "m4"), entry(room, "m5"))
        old = (await two.read(room, 0, 10)).epoch
        restore(store, copy)
        pages = await asyncio.gather(*(broker.read(room, 3, 10) for broker in (one, two)))
        pages.append(await one.read(room, 3, 10))
        assert len({page.epoch for page in pages}) == 1
        assert pages[0].epoch != old


async def test_a_process_uses_the_saved_marks_of_other_processes_after_a_reconnect(
    store: RunningStore, room: str
) -> None:
    saved_marks: dict[str, Mark] = {}
    async with broker_on(store) as ahead, broker_on(store, saved_marks=saved_marks) as behind:
        (first,) = await append(behind, entry(room, "m1"))
        await append(ahead, entry(room, "m2"))
        copy = backup(store, room)
        await append(ahead, entry(room, "m3"))
        saved_marks[room] = ahead.marks.get(room)
        restore(store, copy)
        with redis.Redis(port=store.port) as other:
            other.client_kill_filter(_type="normal", skipme=True)
        answer: asyncio.Future[AppendOutcome] = asyncio.get_running_loop().create_future()
        behind.append(entry(room, "lost with the connection"), answer.set_result)
        await asyncio.wait_for(answer, 10)
        (after,) = await append(behind, entry(room, "m3 again"))
        assert after.epoch != first.epoch


async def test_a_full_store_can_still_be_read(store: RunningStore, room: str) -> None:
    async with broker_on(store) as broker:
        await append(broker, entry(room, "stored"))
        with redis.Redis(port=store.port) as other:
            other.config_set("maxmemory", "1mb")
            other.config_set("maxmemory-policy", "noeviction")
            try:
                answer: asyncio.Future[AppendOutcome] = asyncio.get_running_loop().create_future()
                broker.append(entry(room, "one too many"), answer.set_result)
                assert isinstance(await asyncio.wait_for(answer, 10), BrokerUnavailable)
                assert len((await broker.read(room, 0, 10)).events) == 1
                assert len((await broker.history(room, HistoryRange.before_seq(10, 10))).rows) == 1
            finally:
                other.config_set("maxmemory", "0")


async def test_cids_of_a_lost_log_are_forgotten(store: RunningStore, room: str) -> None:
    """The read starts the new log; the cids of the lost one must not make a later append a duplicate."""
    async with broker_on(store) as broker:
        repeated = entry(room, "repeated")
        await append(broker, repeated)
        with redis.Redis(port=store.port) as other:
            other.delete(keys.meta(room), keys.log(room))
        await broker.read(room, 0, 10)
        (after,) = await append(broker, repeated)
        assert not after.duplicate
        assert len((await broker.read(room, 0, 10)).events) == 1


def backup(store: RunningStore, room: str) -> dict[str, bytes]:
    with redis.Redis(port=store.port) as other:
        return {key: other.dump(key) for key in (keys.meta(room), keys.log(room))}


def restore(store: RunningStore, copy: dict[str, bytes]) -> None:
    with redis.Redis(port=store.port) as other:
        for key, value in copy.items():
            other.restore(key, 0, value, replace=True)
