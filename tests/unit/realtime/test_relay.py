import asyncio
import gc

import msgspec
import pytest

from cloudchat.broker.broker import BrokerUnavailable
from cloudchat.process.supervision import Supervisor
from cloudchat.realtime.hub import Hub
from cloudchat.realtime.relay import Relay
from unit.realtime.scripted_log import ScriptedLog

pytestmark = pytest.mark.anyio

ROOM = "lobby"


class Member:
    """Keeps the payloads it was sent."""

    def __init__(self):
        self.events = []
        self.heads = []

    def push(self, frames, *, ephemeral=False):
        while frames:
            length = frames[1]
            assert length < 126
            payload, frames = frames[2 : 2 + length], frames[2 + length :]
            if ephemeral:
                self.heads.append(msgspec.json.decode(payload))
            else:
                self.events.append(payload.decode())


class World:
    def __init__(self):
        self.supervisor = Supervisor()
        loop = asyncio.get_running_loop()
        self.hub = Hub(loop.call_soon, loop.call_later, lambda: False)
        self.relay = Relay(self.hub, self.supervisor.spawn, heartbeat_seconds=25)
        self.log = ScriptedLog()
        self.relay.connect(self.log)
        self.member = Member()

    async def enter(self):
        """Open the room as the first member does."""
        opening = asyncio.ensure_future(self.relay.open(ROOM))
        await asyncio.sleep(0)
        self.relay.subscribed(ROOM)
        self.feed = await opening
        self.hub.add(ROOM, self.member)

    async def settle(self):
        """Until no check is under way and everything is flushed."""
        if self.feed.checking is not None:
            await asyncio.wait({self.feed.checking})
        await asyncio.sleep(0)


@pytest.fixture
async def world():
    world = World()
    world.log.append(3)
    await world.enter()
    return world


async def test_what_is_heard_is_delivered_in_order(world):
    world.log.reads.clear()
    for _ in range(3):
        world.relay.event_received(ROOM, *world.log.append())
    await world.settle()
    assert world.member.events == ["e1-4", "e1-5", "e1-6"]
    assert world.log.reads == []


async def test_what_is_heard_twice_is_delivered_once(world):
    event = world.log.append()
    world.relay.event_received(ROOM, *event)
    world.relay.event_received(ROOM, *event)
    await world.settle()
    assert world.member.events == ["e1-4"]


async def test_a_hole_is_read_from_the_log_before_anything_newer(world):
    world.log.append(2)
    world.relay.event_received(ROOM, *world.log.append())
    world.relay.event_received(ROOM, *world.log.append())
    await world.settle()
    assert world.member.events == ["e1-4", "e1-5", "e1-6", "e1-7"]
    assert world.relay.holes_repaired == 4


async def test_a_hole_larger_than_a_page_is_repaired_whole(world):
    world.log.append(1200)
    world.relay.subscribed(ROOM)
    await world.settle()
    assert world.member.events == [f"e1-{seq}" for seq in range(4, 1204)]


async def test_a_subscription_that_comes_back_brings_what_was_missed(world):
    world.log.append(2)
    world.relay.subscribed(ROOM)
    await world.settle()
    assert world.member.events == ["e1-4", "e1-5"]


async def test_what_is_heard_during_a_repair_is_not_doubled(world):
    late = []
    world.log.append(2)
    world.log.before_read = lambda: late or (late.append(1), world.relay.event_received(ROOM, *world.log.append()))
    world.relay.subscribed(ROOM)
    await world.settle()
    assert world.member.events == ["e1-4", "e1-5", "e1-6"]


async def test_a_hole_that_was_trimmed_sends_everybody_to_join_again(world):
    world.log.append(10)
    world.log.trim(oldest=9)
    world.relay.subscribed(ROOM)
    await world.settle()
    world.relay.event_received(ROOM, *world.log.append())
    await world.settle()
    assert last_words(world.member) == ("e1", 13)


async def test_a_wiped_store_begins_a_new_numbering_and_sends_everybody_to_join_again(world):
    world.log.wipe("e2")
    world.relay.event_received(ROOM, *world.log.append())
    await world.settle()
    world.relay.event_received(ROOM, *world.log.append())
    await world.settle()
    assert last_words(world.member) == ("e2", 1)


def last_words(member):
    """The one frame that tells a member to join again; it must not be one that may be dropped."""
    (frame,) = map(msgspec.json.decode, member.events)
    assert frame["type"] == "head"
    return frame["epoch"], frame["seq"]


async def test_a_check_that_fails_is_told_and_the_next_one_heals(world):
    world.log.append(2)
    world.log.down = True
    with pytest.raises(BrokerUnavailable):
        await world.relay.check(world.feed)
    world.log.down = False
    await world.relay.check(world.feed)
    await world.settle()
    assert world.member.events == ["e1-4", "e1-5"]
    assert world.supervisor.failures == 0


async def test_a_crowd_that_checks_at_once_shares_reads(world):
    before = len(world.log.reads)
    await asyncio.gather(*(world.relay.check(world.feed) for _ in range(1000)))
    assert len(world.log.reads) - before <= 2


async def test_the_room_is_left_with_its_last_member(world):
    again = await world.relay.open(ROOM)
    world.relay.close(again)
    assert world.log.subscribed == [ROOM]
    world.relay.close(world.feed)
    assert world.log.subscribed == []


async def test_a_room_that_cannot_be_heard_is_unavailable_and_let_go(monkeypatch):
    monkeypatch.setattr("cloudchat.realtime.relay.OPEN_SECONDS", 0.01)
    world = World()
    with pytest.raises(BrokerUnavailable):
        await world.relay.open(ROOM)
    assert world.log.subscribed == []


async def test_a_feed_that_everybody_left_during_a_repair_delivers_nothing(world):
    world.log.append(2)

    def leave():
        if world.feed.interest:
            world.relay.close(world.feed)

    world.log.before_read = leave
    world.relay.subscribed(ROOM)
    await world.settle()
    assert world.member.events == []


async def test_a_wake_up_that_cannot_be_repaired_now_is_no_error_of_ours(world):
    """A store that can't be read while it still tells of events: each of them was a traceback in the log."""
    reported = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context["message"]))
    world.log.down = True
    world.log.append()
    for _ in range(5):
        world.relay.event_received(ROOM, *world.log.append())
    await world.settle()
    gc.collect()
    assert reported == []
    world.log.down = False
    world.relay.event_received(ROOM, *world.log.append())
    await world.settle()
    assert world.member.events[-1] == "e1-10"
