"""What `Broker` promises, asked of each real store."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import redis

from cloudchat.broker import keys
from cloudchat.broker.broker import Appended, BrokerUnavailable, Entry
from cloudchat.broker.redis_broker import PAGE_BYTES, RedisBroker
from cloudchat.broker.redis_functions import RedisFunctions
from support.stores import RunningStore

pytestmark = pytest.mark.anyio


class Ear:
    """Keeps what a subscription hears."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[tuple[str, int, bytes]] = asyncio.Queue()
        self.confirmed = asyncio.Event()

    def subscribed(self, room: str) -> None:
        self.confirmed.set()

    def event_received(self, room: str, epoch: str, seq: int, event: bytes) -> None:
        self.events.put_nowait((epoch, seq, event))


@asynccontextmanager
async def broker_on(
    store: RunningStore, *, keep: int = 1000, ear: Ear | None = None, kept: dict[str, tuple[str, int]] | None = None
) -> AsyncIterator[RedisBroker]:
    async def places() -> dict[str, tuple[str, int]]:
        return kept or {}

    calls = RedisFunctions(store.url)
    broker = RedisBroker(store.url, calls, history_messages=keep, load_marks=places)
    running = asyncio.create_task(broker.run(ear or Ear()))
    try:
        yield broker
    finally:
        running.cancel()
        await asyncio.wait([running])
        await broker.close()
        await calls.close()


def entry(room: str, text: str, *, user: str = "ann", cid: str | None = None) -> Entry:
    cid = cid or str(uuid.uuid4())
    body = json.dumps({"cid": cid, "user": {"id": user, "name": user}, "text": text})[1:].encode()
    return Entry(room, user, cid, "message", body, "2026-11-22T00:00:00.000Z")


async def append(broker: RedisBroker, *entries: Entry) -> list[Appended]:
    """Append all in one tick; returns where they are."""
    loop = asyncio.get_running_loop()
    answers: list[asyncio.Future[Appended | BrokerUnavailable]] = [loop.create_future() for _ in entries]
    for one, answer in zip(entries, answers, strict=True):
        broker.append(one, answer.set_result)
    outcomes = await asyncio.wait_for(asyncio.gather(*answers), 20)
    assert all(isinstance(outcome, Appended) for outcome in outcomes), outcomes
    return [outcome for outcome in outcomes if isinstance(outcome, Appended)]


@pytest.fixture
def room() -> str:
    return f"room-{uuid.uuid4().hex[:8]}"


async def test_seqs_have_no_holes_and_the_bytes_say_them(store: RunningStore, room: str) -> None:
    async with broker_on(store) as broker:
        places = await append(broker, *(entry(room, f"m{number}") for number in range(1, 101)))
        assert [place.seq for place in places] == list(range(1, 101))
        page = await broker.read(room, 0, 500)
        frames = [json.loads(event) for event in page.events]
        assert [(frame["seq"], frame["text"]) for frame in frames] == [(n, f"m{n}") for n in range(1, 101)]
        assert {frame["epoch"] for frame in frames} == {page.epoch} == {place.epoch for place in places}
        assert (page.head, page.oldest, page.first) == (100, 1, 1)


async def test_a_new_room_is_empty_and_keeps_its_epoch(store: RunningStore, room: str) -> None:
    async with broker_on(store) as broker:
        first = await broker.read(room, 0, 10)
        assert (first.head, first.oldest, first.events) == (0, 1, [])
        (place,) = await append(broker, entry(room, "hello"))
        assert (place.epoch, place.seq) == (first.epoch, 1)


async def test_a_cid_counts_once_for_all_processes_and_each_user(store: RunningStore, room: str) -> None:
    async with broker_on(store) as one, broker_on(store) as two:
        cid = str(uuid.uuid4())
        (first,) = await append(one, entry(room, "said", cid=cid))
        (again,) = await append(two, entry(room, "said", cid=cid))
        assert again == Appended(first.seq, first.epoch, first.at, duplicate=True)
        (other,) = await append(two, entry(room, "said", cid=cid, user="bob"))
        assert (other.seq, other.duplicate) == (2, False)
        twice = entry(room, "twice")
        assert [place.duplicate for place in await append(one, twice, twice)] == [False, True]
        assert (await one.read(room, 0, 10)).head == 3


async def test_a_cid_is_remembered_over_a_kill_of_the_store(store: RunningStore, room: str) -> None:
    said = entry(room, "said")
    async with broker_on(store) as broker:
        (first,) = await append(broker, said)
    store.kill()
    store.start()
    async with broker_on(store) as broker:
        (again,) = await append(broker, said)
        assert (again.seq, again.epoch, again.duplicate) == (first.seq, first.epoch, True)


async def test_the_log_is_bounded_exactly_and_says_where_it_begins(store: RunningStore, room: str) -> None:
    async with broker_on(store, keep=50) as broker:
        await append(broker, *(entry(room, f"m{number}") for number in range(1, 121)))
        page = await broker.read(room, 0, 500)
        assert (page.oldest, page.first, page.head, len(page.events)) == (71, 71, 120, 50)
        assert (await broker.read_before(room, 71, 10)).events == []


async def test_pages_forward_and_back_meet_without_a_hole(store: RunningStore, room: str) -> None:
    async with broker_on(store) as broker:
        await append(broker, *(entry(room, f"m{number}") for number in range(1, 26)))
        whole = (await broker.read(room, 0, 500)).events
        forward: list[bytes] = []
        while (page := await broker.read(room, len(forward), 10)).events:
            assert page.first == len(forward) + 1
            forward += page.events
        back: list[bytes] = []
        before = 2**53 - 1
        while (page := await broker.read_before(room, before, 10)).events:
            back = page.events + back
            before = page.first
        assert forward == back == whole


async def test_a_page_is_bounded_in_bytes_and_holds_at_least_one(store: RunningStore, room: str) -> None:
    async with broker_on(store) as broker:
        large = "x" * (PAGE_BYTES // 4)
        await append(broker, *(entry(room, large) for _ in range(8)), entry(room, "y" * 2 * PAGE_BYTES))
        for page in (await broker.read(room, 0, 500), await broker.read_before(room, 9, 500)):
            assert len(page.events) == 3
            assert sum(map(len, page.events)) <= PAGE_BYTES
        assert (await broker.read_before(room, 9, 500)).last == 8
        assert len((await broker.read(room, 8, 500)).events) == 1


async def test_what_is_heard_is_what_is_stored(store: RunningStore, room: str) -> None:
    ear = Ear()
    async with broker_on(store, ear=ear) as hearing, broker_on(store) as speaking:
        hearing.subscribe(room)
        await asyncio.wait_for(ear.confirmed.wait(), 10)
        said = entry(room, "zwölf Boxkämpfer 🥊\n")
        await append(speaking, said, said)
        heard = await asyncio.wait_for(ear.events.get(), 10)
        page = await hearing.read(room, 0, 10)
        assert heard == (page.epoch, 1, page.events[0])
        assert ear.events.empty(), "a repetition was broadcast"


async def test_a_dropped_subscriber_is_told_that_it_is_back(store: RunningStore, room: str) -> None:
    ear = Ear()
    async with broker_on(store, ear=ear) as broker:
        broker.subscribe(room)
        await asyncio.wait_for(ear.confirmed.wait(), 10)
        ear.confirmed.clear()
        with redis.Redis(port=store.port) as other:
            assert other.client_kill_filter(_type="pubsub") == 1
        await asyncio.wait_for(ear.confirmed.wait(), 10)
        await append(broker, entry(room, "hello"))
        assert (await asyncio.wait_for(ear.events.get(), 10))[1] == 1


async def test_an_emptied_store_begins_another_epoch(store: RunningStore, room: str) -> None:
    async with broker_on(store) as broker:
        (before,) = await append(broker, entry(room, "lost"))
        with redis.Redis(port=store.port) as other:
            other.flushall()
        (after,) = await append(broker, entry(room, "new"))
        assert after.seq == 1
        assert after.epoch != before.epoch


async def test_functions_that_somebody_flushed_are_loaded_again(store: RunningStore, room: str) -> None:
    async with broker_on(store) as broker:
        await append(broker, entry(room, "one"))
        with redis.Redis(port=store.port) as other:
            other.execute_command("FUNCTION", "FLUSH")
        assert (await broker.read(room, 0, 10)).head == 1
        await append(broker, entry(room, "two"))


async def test_a_log_that_lost_its_end_never_gives_its_numbers_again(store: RunningStore, room: str) -> None:
    """As after a restore from an older backup: the first append already must begin another epoch."""
    async with broker_on(store) as broker:
        places = await append(broker, *(entry(room, f"m{number}") for number in range(1, 4)))
        copy = backup(store, room)
        await append(broker, entry(room, "m4"), entry(room, "m5"))
        restore(store, copy)
        (after,) = await append(broker, entry(room, "new"))
        assert after.seq == 4
        assert after.epoch != places[0].epoch
        frames = [json.loads(event) for event in (await broker.read(room, 0, 10)).events]
        assert [frame["epoch"] == after.epoch for frame in frames] == [False, False, False, True]


async def test_a_reader_that_only_heard_the_lost_end_notices_it_too(store: RunningStore, room: str) -> None:
    ear = Ear()
    async with broker_on(store, ear=ear) as hearing, broker_on(store) as speaking:
        hearing.subscribe(room)
        await asyncio.wait_for(ear.confirmed.wait(), 10)
        (first, *_) = await append(speaking, *(entry(room, f"m{number}") for number in range(1, 4)))
        copy = backup(store, room)
        await append(speaking, entry(room, "m4"), entry(room, "m5"))
        while (await asyncio.wait_for(ear.events.get(), 10))[1] < 5:
            pass
        restore(store, copy)
        page = await hearing.read(room, 5, 10)
        assert page.head == 3
        assert page.epoch != first.epoch


async def test_two_who_notice_a_loss_agree_on_one_epoch(store: RunningStore, room: str) -> None:
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


async def test_who_knew_less_than_others_does_not_give_the_lost_numbers_again(store: RunningStore, room: str) -> None:
    kept: dict[str, tuple[str, int]] = {}
    async with broker_on(store) as told, broker_on(store, kept=kept) as untold:
        (first,) = await append(untold, entry(room, "m1"))
        await append(told, entry(room, "m2"))
        copy = backup(store, room)
        await append(told, entry(room, "m3"))
        kept[room] = told.marks.get(room)
        restore(store, copy)
        with redis.Redis(port=store.port) as other:
            other.client_kill_filter(_type="normal", skipme=True)
        answer: asyncio.Future[Appended | BrokerUnavailable] = asyncio.get_running_loop().create_future()
        untold.append(entry(room, "lost with the connection"), answer.set_result)
        await asyncio.wait_for(answer, 10)
        (after,) = await append(untold, entry(room, "m3 again"))
        assert after.epoch != first.epoch


async def test_a_full_store_can_still_be_read(store: RunningStore, room: str) -> None:
    async with broker_on(store) as broker:
        await append(broker, entry(room, "kept"))
        with redis.Redis(port=store.port) as other:
            other.config_set("maxmemory", "1mb")
            other.config_set("maxmemory-policy", "noeviction")
            try:
                answer: asyncio.Future[Appended | BrokerUnavailable] = asyncio.get_running_loop().create_future()
                broker.append(entry(room, "one too many"), answer.set_result)
                assert isinstance(await asyncio.wait_for(answer, 10), BrokerUnavailable)
                assert len((await broker.read(room, 0, 10)).events) == 1
                assert len((await broker.read_before(room, 10, 10)).events) == 1
            finally:
                other.config_set("maxmemory", "0")


async def test_cids_of_a_log_that_is_gone_count_no_more(store: RunningStore, room: str) -> None:
    """Whoever looks first finds an empty room; the cids of the old one must not answer for what comes now."""
    async with broker_on(store) as broker:
        again = entry(room, "said twice")
        await append(broker, again)
        with redis.Redis(port=store.port) as other:
            other.delete(keys.meta(room), keys.log(room))
        await broker.read(room, 0, 10)
        (after,) = await append(broker, again)
        assert not after.duplicate
        assert len((await broker.read(room, 0, 10)).events) == 1


def backup(store: RunningStore, room: str) -> dict[str, bytes]:
    with redis.Redis(port=store.port) as other:
        return {key: other.dump(key) for key in (keys.meta(room), keys.log(room))}


def restore(store: RunningStore, copy: dict[str, bytes]) -> None:
    with redis.Redis(port=store.port) as other:
        for key, value in copy.items():
            other.restore(key, 0, value, replace=True)
