"""What is read of many rooms at once, on each kind of store: the newest events, heads, and unread messages."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator

import pytest
import redis

from cloudchat.broker.appends import Appended, AppendOutcome, Entry
from cloudchat.broker.reads import Unread, UnreadQuery
from cloudchat.core.stream_position import StreamPosition
from cloudchat.core.timestamps import rfc3339
from cloudchat.protocol.events import User, encoder
from cloudchat.protocol.logged_events import MessageBody
from integration.broker.brokers import broker_on
from integration.broker.posting import NOW, Room, seq_of
from support.stores import RunningStore

pytestmark = pytest.mark.anyio


@pytest.fixture
async def room(store: RunningStore) -> AsyncIterator[Room]:
    async with broker_on(store) as broker:
        yield Room(broker)


async def unread_of(room: Room, user: str = "bob", after: int = 0, epoch: str | None = None) -> tuple[int, int]:
    """Return the unread messages and mentions after a position."""
    if epoch is None:
        epoch = (await room.broker.heads([room.id]))[0].epoch
    [found] = await room.broker.unread(user, [UnreadQuery(room.id, StreamPosition(epoch, after))])
    return found.messages, found.mentions


async def mention(room: Room, *users: str, all_of_them: bool = False, text: str = "hello", by: str = "ann") -> int:
    """Post a message that mentions users, and return its seq."""
    body = MessageBody(
        cid=str(uuid.uuid4()),
        user=User(id=by, name=by),
        text=text,
        at=rfc3339(NOW),
        mentions=users,
        mentions_room=all_of_them,
    )
    answer: asyncio.Future[AppendOutcome] = asyncio.get_running_loop().create_future()
    encoded = encoder.encode(body)[1:]
    room.broker.append(Entry(room.id, by, body.cid, "message", encoded, body.at), answer.set_result)
    return seq_of(await answer)


# -- newest and heads --------------------------------------------------------------------------------------------------


async def test_newest_events_are_consecutive_and_end_at_the_head(room: Room) -> None:
    assert (await room.broker.newest(room.id, 10, 10**6)).events == []
    for number in range(150):
        await room.send(f"text {number}")
    page = await room.broker.newest(room.id, 100, 10**6)
    assert (page.first, page.last, page.head, page.oldest) == (51, 150, 150, 1)
    assert [json.loads(event)["seq"] for event in page.events] == list(range(51, 151))
    assert page.events == (await room.broker.read(room.id, 50, 100)).events


async def test_newest_events_are_limited_in_bytes_but_at_least_one(room: Room) -> None:
    for _ in range(10):
        await room.send("x" * 3000)
    page = await room.broker.newest(room.id, 100, 10_000)
    assert (page.first, page.last) == (8, 10)
    page = await room.broker.newest(room.id, 100, 10)
    assert (page.first, page.last) == (10, 10)


async def test_newest_events_include_those_beside_a_deleted_text(room: Room) -> None:
    for number in range(5):
        await room.send(f"text {number}")
    await room.delete(3)
    page = await room.broker.newest(room.id, 4, 10**6)
    assert [json.loads(event).get("text") for event in page.events] == ["", "text 3", "text 4", None]


async def test_heads_of_many_rooms_come_in_the_order_of_the_rooms(store: RunningStore) -> None:
    async with broker_on(store) as broker:
        rooms = [Room(broker) for _ in range(200)]
        for number, room in enumerate(rooms[:5]):
            for _ in range(number + 1):
                await room.send("hello")
        heads = await broker.heads([room.id for room in rooms])
        assert [head.seq for head in heads] == [1, 2, 3, 4, 5] + [0] * 195
        assert heads[2].epoch == (await broker.read(rooms[2].id, 0, 1)).epoch
        assert heads == await broker.heads([room.id for room in rooms])


async def test_head_below_the_known_one_starts_a_new_epoch(store: RunningStore) -> None:
    """The store is an older copy: the numbers of the lost events must not be assigned again."""
    async with broker_on(store) as broker:
        room = Room(broker)
        await room.send("hello")
        epoch = (await broker.heads([room.id]))[0].epoch
        async with broker_on(store) as other:
            other.marks.observe_event(room.id, epoch, 5)
            [head] = await other.heads([room.id])
            assert (head.epoch != epoch, head.seq) == (True, 5)


async def test_reads_survive_lost_functions(store: RunningStore) -> None:
    """Someone has flushed them, or a new store has taken over."""
    async with broker_on(store) as broker:
        room = Room(broker)
        await room.send("hello")
        with_functions = await broker.heads([room.id])
        with redis.Redis(port=store.port) as other:
            other.function_flush()
        assert await broker.heads([room.id, room.id]) == with_functions * 2


# -- unread ------------------------------------------------------------------------------------------------------------


async def test_messages_of_others_after_the_position_are_unread(room: Room) -> None:
    assert await unread_of(room) == (0, 0)
    for user in ("ann", "bob", "ann", "cid"):
        await room.send("hello", user=user)
    assert await unread_of(room) == (3, 0)
    assert await unread_of(room, after=2) == (2, 0)
    assert await unread_of(room, after=4) == (0, 0)
    assert await unread_of(room, user="ann") == (2, 0)
    assert await unread_of(room, user="dan") == (4, 0)


async def test_only_messages_count(room: Room) -> None:
    target = seq_of(await room.send("hello"))
    await room.edit(target, "hello, all")
    await room.react(target, user="cid")
    await room.notice(1)
    assert await unread_of(room) == (1, 0)
    assert await unread_of(room, after=target) == (0, 0)


async def test_deleted_messages_do_not_count(room: Room) -> None:
    for number in range(5):
        await room.send(f'text {number} "text":""')
    await mention(room, "bob", all_of_them=True)
    assert await unread_of(room) == (6, 1)
    await room.delete(2)
    await room.delete(6)
    assert await unread_of(room) == (4, 0)


async def test_mentions_of_the_user_and_of_the_room_count(room: Room) -> None:
    await mention(room, "bob")
    await mention(room, "cid", "bob", "dan")
    await mention(room, "bobby", "cid")
    await mention(room, all_of_them=True)
    await mention(room, "bob", all_of_them=True)
    await mention(room, "bob", by="bob")
    await room.send('"mentions":["bob"] and "mentions_room":true, ["bob"]')
    assert await unread_of(room) == (6, 4)
    assert await unread_of(room, user="bobby") == (7, 3)
    assert await unread_of(room, after=2) == (4, 2)


async def test_at_most_a_thousand_are_counted(store: RunningStore) -> None:
    async with broker_on(store, history_messages=3000) as broker:
        room = Room(broker)
        for _ in range(12):
            await asyncio.gather(*(room.send("hello") for _ in range(100)))
        assert await unread_of(room) == (1000, 0)
        assert await unread_of(room, after=201) == (999, 0)


async def test_the_count_says_where_it_begins(room: Room) -> None:
    for number in range(5):
        await room.send(f"text {number}")
    epoch = (await room.broker.heads([room.id]))[0].epoch
    [after_two] = await room.broker.unread("bob", [UnreadQuery(room.id, StreamPosition(epoch, 2))])
    assert (after_two.messages, after_two.after, after_two.first) == (3, 2, 3)
    [of_lost_log] = await room.broker.unread("bob", [UnreadQuery(room.id, StreamPosition("lost", 500))])
    assert (of_lost_log.messages, of_lost_log.after, of_lost_log.first) == (5, 0, 1)


async def test_position_of_a_lost_log_makes_everything_unread(room: Room) -> None:
    await room.send("one")
    await room.send("two")
    assert await unread_of(room, after=500, epoch="lost") == (2, 0)
    assert await unread_of(room, after=1, epoch="restored") == (1, 0)


async def test_room_that_is_read_costs_nothing(store: RunningStore) -> None:
    async with broker_on(store) as broker:
        room, other = Room(broker), Room(broker)
        await room.send("hello", version=7)
        await other.send("hello")
        heads = await broker.heads([room.id, other.id])
        queries = [UnreadQuery(room.id, heads[0]), UnreadQuery(other.id, StreamPosition("", 0))]
        read, unread = await broker.unread("bob", queries)
        assert read == Unread(0, 0, 0, 7, after=1, first=2)
        assert unread.messages == 1
        assert unread.bytes_scanned > 100


async def test_messages_of_a_full_store_are_counted(room: Room, store: RunningStore) -> None:
    assert isinstance(await room.send("hello"), Appended)
    with redis.Redis(port=store.port) as other:
        other.config_set("maxmemory", "1mb")
        try:
            assert await unread_of(room) == (1, 0)
            assert (await room.broker.newest(room.id, 1, 1)).last == 1
        finally:
            other.config_set("maxmemory", "0")
