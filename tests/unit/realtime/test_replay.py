"""Joining against a scripted log: what is sent, and whether the socket is a member afterwards."""

import asyncio
from collections.abc import Callable

import msgspec
import pytest

from cloudchat.broker.broker import BrokerUnavailable
from cloudchat.process.supervision import Supervisor
from cloudchat.protocol.close_codes import CloseCode
from cloudchat.protocol.commands import Join, Position
from cloudchat.realtime.hub import Hub
from cloudchat.realtime.relay import Relay
from cloudchat.realtime.replay import join
from unit.realtime.scripted_log import ScriptedLog

pytestmark = pytest.mark.anyio

ROOM = "lobby"


class Reader:
    """A connection and its socket in one."""

    def __init__(self):
        self.socket = self
        self.joined = {}
        self.open = True
        self.frames = []
        self.closed = None
        self.after_push = lambda: None

    def push(self, frames, *, ephemeral=False):
        while frames:
            length, start = (frames[1], 2) if frames[1] < 126 else (int.from_bytes(frames[2:4]), 4)
            self.frames.append(frames[start : start + length].decode())
            frames = frames[start + length :]
        self.after_push()

    def close(self, code):
        self.closed = code
        self.open = False

    async def writable_again(self):
        return None


class World:
    def __init__(self):
        loop = asyncio.get_running_loop()
        self.hub = Hub(loop.call_soon, loop.call_later, lambda: False)
        self.relay = Relay(self.hub, Supervisor().spawn, heartbeat_seconds=25)
        self.log = ScriptedLog()
        self.relay.connect(self.log)

    async def join(self, reader: Reader, after: int | None = None, limit: int = 50):
        position = None if after is None else Position(epoch="e1", seq=after)
        joining = asyncio.ensure_future(
            join(reader, Join(room=ROOM, after=position, limit=limit), broker=self.log, relay=self.relay, hub=self.hub)
        )
        await asyncio.sleep(0)
        self.relay.subscribed(ROOM)
        await joining


@pytest.fixture
async def world():
    return World()


def seqs(reader: Reader) -> list[int]:
    return [int(frame.rpartition("-")[2]) for frame in reader.frames if frame.startswith("e1-")]


def on_read(log: ScriptedLog, number: int, do: Callable[[], None]) -> None:
    """Do something just before the log is read for the `number`th time from now."""
    count = 0

    def before() -> None:
        nonlocal count
        count += 1
        if count == number:
            do()

    log.before_read = before


async def test_an_old_position_is_replayed_page_by_page(world):
    world.log.append(1700)
    reader = Reader()
    await world.join(reader, after=3)
    assert seqs(reader) == list(range(4, 1701))


async def test_a_store_that_fails_before_anything_is_sent_is_an_error_to_the_client(world):
    world.log.append(1700)
    await world.join(Reader())
    on_read(world.log, 2, lambda: setattr(world.log, "down", True))
    reader = Reader()
    with pytest.raises(BrokerUnavailable):
        await world.join(reader, after=3)
    assert reader.frames == []


async def test_a_store_that_fails_in_the_middle_of_a_replay_costs_the_socket(world):
    """The client has been told `joined`: only a closed socket makes it ask for the rest."""
    world.log.append(1700)
    await world.join(Reader())
    reader = Reader()
    reader.after_push = lambda: setattr(world.log, "down", True)
    await world.join(reader, after=3)
    assert seqs(reader) == list(range(4, 504))
    assert reader.closed is CloseCode.TOO_SLOW


async def test_a_log_whose_tail_does_not_fit_a_page_is_joined_at_its_head(world):
    """Pages are bounded in bytes: the one that opens a room may end long before the head."""
    world.log.append(90)
    world.log.page_events = 20
    reader = Reader()
    await world.join(reader, limit=10)
    assert msgspec.json.decode(reader.frames[0])["seq"] == 90
    assert seqs(reader) == list(range(81, 91))


@pytest.mark.parametrize("when", ["while the first page is read", "while the second page is read"])
async def test_what_a_page_has_before_it_is_heard_is_not_sent_twice(world, when):
    """A page may reach beyond what this process has delivered: its wake-up is still on the way, and comes live."""
    count = {"while the first page is read": 200, "while the second page is read": 700}[when]
    world.log.append(count)
    reader = Reader()
    await world.join(Reader())
    reads = count // 500 + 2  # a check of the head, then the pages
    on_read(world.log, reads, lambda: world.log.append(2))
    await world.join(reader, after=3)
    for seq in (count + 1, count + 2):
        world.relay.event_received(ROOM, world.log.epoch, seq, world.log.events[seq])
        world.hub.flush(ROOM)
    assert seqs(reader) == list(range(4, count + 3))
    assert reader.closed is None


async def test_a_numbering_that_ends_while_a_page_is_on_its_way_is_left(world):
    """The page is of the old one, the room already of the new one: nothing of both may be mixed."""
    world.log.append(200)
    await world.join(Reader())
    read, begun = world.log.read, []

    async def overtaken(room, after, limit):
        page = await read(room, after, limit)
        if after == 3 and not begun:
            begun.append(after)
            world.log.wipe("e2")
            world.log.append(2)
            await world.relay.check(world.relay._feeds[ROOM])
        return page

    world.log.read = overtaken
    reader = Reader()
    await world.join(reader, after=3)
    assert begun
    assert msgspec.json.decode(reader.frames[0])["status"] == "gap"
    assert reader.frames[1:] == ["e2-1", "e2-2"]
