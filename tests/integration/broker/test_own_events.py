"""Events reach the process that appended them, whether or not the store publishes them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis

from cloudchat.broker import keys
from cloudchat.broker.appends import Appended, AppendOutcome
from cloudchat.broker.connections import BrokerUnavailable
from integration.broker.brokers import RecordingListener, broker_on
from integration.broker.posting import Room, is_duplicate_of, seq_of
from support.stores import RunningStore

pytestmark = pytest.mark.anyio


@contextmanager
def published_in(store: RunningStore, room: Room) -> Iterator[Any]:
    """Subscribe to the room's channel alone, as no process does: it is not counted as a listener."""
    with redis.Redis(port=store.port) as other, other.pubsub(ignore_subscribe_messages=True) as channel:
        channel.ssubscribe(keys.channel(room.id))
        channel.get_sharded_message(timeout=5)
        yield channel


async def subscribed(listener: RecordingListener, room: Room) -> None:
    room.broker.subscribe(room.id)
    await asyncio.wait_for(listener.confirmed.wait(), 10)


async def test_a_process_alone_receives_its_events_without_a_publication(store: RunningStore) -> None:
    listener = RecordingListener()
    async with broker_on(store, listener=listener) as broker:
        room = Room(broker)
        await subscribed(listener, room)
        with published_in(store, room) as channel:
            target = seq_of(await room.send("zwölf Boxkämpfer 🥊\n"))
            await room.edit(target, "thirteen")
            await room.react(target)
            received = [listener.events.get_nowait() for _ in range(3)]
            assert channel.get_sharded_message(timeout=0) is None
        page = await broker.read(room.id, 0, 10)
        assert received == [(page.epoch, seq, event) for seq, event in enumerate(page.events, page.first)]


async def test_the_archiver_gets_each_event_as_the_store_has_it(store: RunningStore) -> None:
    appended: list[tuple[int, bytes]] = []
    async with broker_on(store) as broker:
        broker.appended = lambda _, seq, event: appended.append((seq, event))
        room = Room(broker)
        target = seq_of(await room.send("hello", cid="once"))
        assert is_duplicate_of(await room.send("hello", cid="once"), target)
        await room.edit(target, "good bye")
        await room.react(target)
        page = await broker.read(room.id, 0, 10)
        assert appended == list(enumerate(page.events, page.first))


async def test_each_of_two_processes_receives_every_event_once(store: RunningStore) -> None:
    listeners = [RecordingListener(), RecordingListener()]
    async with broker_on(store, listener=listeners[0]) as one, broker_on(store, listener=listeners[1]) as two:
        rooms = [Room(broker, "shared") for broker in (one, two)]
        for listener, room in zip(listeners, rooms, strict=True):
            await subscribed(listener, room)
        await asyncio.gather(*(room.send(str(number)) for number in range(20) for room in rooms))
        for listener in listeners:
            received = [await asyncio.wait_for(listener.events.get(), 10) for _ in range(40)]
            assert [seq for _, seq, _ in received] == list(range(1, 41))
            assert listener.events.empty()


async def test_a_server_of_the_earlier_version_receives_every_event(store: RunningStore) -> None:
    """It subscribes to the signals and to its rooms, and has no channel of its own."""
    async with broker_on(store) as broker:
        room = Room(broker)
        with redis.Redis(port=store.port) as other, other.pubsub(ignore_subscribe_messages=True) as earlier:
            for channel in (keys.SIGNALS, keys.channel(room.id)):
                earlier.ssubscribe(channel)
                earlier.get_sharded_message(timeout=5)
            seq_of(await room.send("hello"))
            assert b"hello" in earlier.get_sharded_message(timeout=5)["data"]


async def test_a_damaged_room_does_not_fail_the_appends_to_others(store: RunningStore) -> None:
    async with broker_on(store) as broker:
        rooms = [Room(broker) for _ in range(3)]
        with redis.Redis(port=store.port) as other:
            other.set(keys.log(rooms[1].id), "no stream")
        outcomes: list[AppendOutcome] = await asyncio.gather(*(room.send("hello") for room in rooms))
        assert [type(outcome) for outcome in outcomes] == [Appended, BrokerUnavailable, Appended]
