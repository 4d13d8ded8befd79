"""The relay between a scripted log and a hub: every event is delivered once and in order, or the members join again."""

import asyncio
import gc
from typing import Any

import msgspec
import pytest

from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.broker.reads import Page
from cloudchat.process.supervision import Supervisor
from cloudchat.realtime.feeds.relay import Relay
from cloudchat.realtime.feeds.room_feed import RoomFeed
from cloudchat.realtime.hub import Hub, RunningLoop
from unit.realtime.fakes import socket_without_descriptor
from unit.realtime.room_state import no_departures
from unit.realtime.scripted_log import ScriptedLog

pytestmark = pytest.mark.anyio

ROOM = "lobby"


class Member:
    """Records the payloads of the frames that it is sent."""

    def __init__(self) -> None:
        self.direct = socket_without_descriptor()
        self.events: list[str] = []
        self.heads: list[Any] = []

    def push(self, frames: bytes, *, ephemeral: bool = False) -> None:
        while frames:
            length = frames[1]
            assert length < 126
            payload, frames = frames[2 : 2 + length], frames[2 + length :]
            if ephemeral:
                self.heads.append(msgspec.json.decode(payload))
            else:
                self.events.append(payload.decode())


class World:
    feed: RoomFeed

    def __init__(self) -> None:
        self.supervisor = Supervisor()
        self.log = ScriptedLog()
        self.hub = Hub(RunningLoop(), self.log)
        self.relay = Relay(self.log, self.hub, no_departures(self.hub), self.supervisor.spawn)
        self.member = Member()

    async def join(self) -> None:
        """Acquire the room's feed and add the member."""
        acquired = asyncio.ensure_future(self.relay.acquire(ROOM))
        await asyncio.sleep(0)
        self.relay.subscribed(ROOM)
        self.feed = await acquired
        self.hub.add(ROOM, self.member)

    async def caught_up(self) -> None:
        """Wait until no catch-up runs and everything is flushed."""
        if self.feed.catch_up_task is not None:
            await asyncio.wait({self.feed.catch_up_task})
        await asyncio.sleep(0)


@pytest.fixture
async def world() -> World:
    world = World()
    world.log.append_events(3)
    await world.join()
    return world


async def test_received_events_are_delivered_in_order_without_reads(world: World) -> None:
    world.log.reads.clear()
    for _ in range(3):
        world.relay.event_received(ROOM, *world.log.append_events())
    await world.caught_up()
    assert world.member.events == ["e1-4", "e1-5", "e1-6"]
    assert world.log.reads == []


async def test_duplicate_event_is_delivered_once(world: World) -> None:
    event = world.log.append_events()
    world.relay.event_received(ROOM, *event)
    world.relay.event_received(ROOM, *event)
    await world.caught_up()
    assert world.member.events == ["e1-4"]


async def test_hole_is_read_from_the_log_before_newer_events_are_delivered(world: World) -> None:
    world.log.append_events(2)
    world.relay.event_received(ROOM, *world.log.append_events())
    world.relay.event_received(ROOM, *world.log.append_events())
    await world.caught_up()
    assert world.member.events == ["e1-4", "e1-5", "e1-6", "e1-7"]
    assert world.relay.holes_repaired == 4


async def test_hole_larger_than_a_page_is_repaired_completely(world: World) -> None:
    world.log.append_events(1200)
    world.relay.subscribed(ROOM)
    await world.caught_up()
    assert world.member.events == [f"e1-{seq}" for seq in range(4, 1204)]


async def test_events_missed_by_a_dropped_subscription_are_delivered_when_it_is_back(world: World) -> None:
    world.log.append_events(2)
    world.relay.subscribed(ROOM)
    await world.caught_up()
    assert world.member.events == ["e1-4", "e1-5"]


async def test_event_received_during_a_repair_is_delivered_once(world: World) -> None:
    received: list[int] = []

    def receive_once() -> None:
        if not received:
            received.append(1)
            world.relay.event_received(ROOM, *world.log.append_events())

    world.log.append_events(2)
    world.log.before_read = receive_once
    world.relay.subscribed(ROOM)
    await world.caught_up()
    assert world.member.events == ["e1-4", "e1-5", "e1-6"]


async def test_trimmed_hole_makes_all_members_join_again(world: World) -> None:
    world.log.append_events(10)
    world.log.trim(oldest=9)
    world.relay.subscribed(ROOM)
    await world.caught_up()
    world.relay.event_received(ROOM, *world.log.append_events())
    await world.caught_up()
    assert last_head(world.member) == ("e1", 13)


async def test_wiped_store_starts_a_new_epoch_and_makes_all_members_join_again(world: World) -> None:
    world.log.wipe("e2")
    world.relay.event_received(ROOM, *world.log.append_events())
    await world.caught_up()
    world.relay.event_received(ROOM, *world.log.append_events())
    await world.caught_up()
    assert last_head(world.member) == ("e2", 1)


def last_head(member: Member) -> tuple[str, int]:
    """Return the `head` that makes a member join again. It must not be ephemeral, because that may be dropped."""
    (frame,) = map(msgspec.json.decode, member.events)
    assert frame["type"] == "head"
    return frame["epoch"], frame["seq"]


async def test_failed_catch_up_raises_and_the_next_one_repairs_the_hole(world: World) -> None:
    world.log.append_events(2)
    world.log.unavailable = True
    with pytest.raises(BrokerUnavailable):
        await world.relay.catch_up(world.feed)
    world.log.unavailable = False
    await world.relay.catch_up(world.feed)
    await world.caught_up()
    assert world.member.events == ["e1-4", "e1-5"]
    assert world.supervisor.failures == 0


async def test_simultaneous_catch_ups_share_reads(world: World) -> None:
    before = len(world.log.reads)
    await asyncio.gather(*(world.relay.catch_up(world.feed) for _ in range(1000)))
    assert len(world.log.reads) - before <= 2


async def test_last_release_unsubscribes_the_room(world: World) -> None:
    feed = await world.relay.acquire(ROOM)
    world.relay.release(feed)
    assert world.log.subscribed == [ROOM]
    world.relay.release(world.feed)
    assert world.log.subscribed == []
    assert world.relay.rooms == 0


async def test_acquire_without_a_subscription_times_out_and_releases_the_feed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloudchat.realtime.feeds.relay.OPEN_TIMEOUT_SECONDS", 0.01)
    world = World()
    with pytest.raises(BrokerUnavailable):
        await world.relay.acquire(ROOM)
    assert world.log.subscribed == []


async def test_feed_that_is_released_during_a_repair_delivers_nothing(world: World) -> None:
    world.log.append_events(2)

    def release() -> None:
        if world.feed.refcount:
            world.relay.release(world.feed)

    world.log.before_read = release
    world.relay.subscribed(ROOM)
    await world.caught_up()
    assert world.member.events == []


async def test_hole_that_cannot_be_repaired_now_logs_no_unretrieved_exception(world: World) -> None:
    """With a store that reports events but cannot be read, each event caused a traceback in the log."""
    reported: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context["message"]))
    world.log.unavailable = True
    world.log.append_events()
    for _ in range(5):
        world.relay.event_received(ROOM, *world.log.append_events())
    await world.caught_up()
    gc.collect()
    assert reported == []
    world.log.unavailable = False
    world.relay.event_received(ROOM, *world.log.append_events())
    await world.caught_up()
    assert world.member.events[-1] == "e1-10"


async def test_event_received_while_a_room_is_opened_is_read_from_the_log() -> None:
    """It may be newer than the answer that is on its way, and its position cannot be compared yet."""
    opened = World()
    opened.log.append_events(3)
    read = opened.log.newest

    async def newest_before_the_event(room: str, limit: int, max_bytes: int) -> Page:
        page = await read(room, limit, max_bytes)
        opened.relay.event_received(ROOM, *opened.log.append_events())
        return page

    opened.log.newest = newest_before_the_event  # type: ignore[method-assign]
    await opened.join()
    await opened.caught_up()
    assert opened.feed.position.seq == 4


async def test_new_room_is_opened_with_one_read(world: World) -> None:
    assert len(world.log.reads) == 1


async def test_rooms_that_are_behind_their_logs_catch_up(world: World) -> None:
    world.log.reads.clear()
    await world.relay.compare_heads()
    assert world.log.reads == []
    world.log.append_events(2)
    await world.relay.compare_heads()
    await world.caught_up()
    assert world.member.events == ["e1-4", "e1-5"]


async def test_heads_are_not_compared_while_the_store_is_away(world: World) -> None:
    world.log.append_events()
    world.log.unavailable = True
    await world.relay.compare_heads()
    assert world.member.events == []
