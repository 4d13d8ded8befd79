"""Joining a room with a scripted log: what is sent, and whether the socket is a member afterwards."""

import asyncio
import time
from collections.abc import Callable
from typing import cast

import msgspec
import pytest

from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.broker.reads import Page
from cloudchat.process.supervision import Supervisor
from cloudchat.protocol.close_codes import CloseCode
from cloudchat.protocol.commands import Join, Position
from cloudchat.realtime.connection import Connection
from cloudchat.realtime.feeds.relay import Relay
from cloudchat.realtime.feeds.replay import RoomJoiner
from cloudchat.realtime.feeds.room_feed import RoomFeed
from cloudchat.realtime.hub import Hub, RunningLoop
from cloudchat.realtime.membership.room_sync import NotInRoom, RoomSync
from cloudchat.realtime.user_allowance import READ_BURST_BYTES, ReadBudget
from cloudchat.rooms.summaries.summary import RoomSummary
from unit.realtime.fakes import socket_without_descriptor
from unit.realtime.room_state import no_departures, unchanged_rooms
from unit.realtime.scripted_log import ScriptedLog

pytestmark = pytest.mark.anyio

ROOM = "lobby"


class Reader:
    """A connection and its socket in one."""

    def __init__(self) -> None:
        self.direct = socket_without_descriptor()
        self.socket = self
        self.joined: dict[str, RoomFeed] = {}
        self.rooms = {ROOM: RoomSummary(ROOM, ROOM, "public")}
        self.open = True
        self.frames: list[str] = []
        self.close_code: CloseCode | None = None
        self.on_push: Callable[[], object] = lambda: None
        self.reads = ReadBudget(0)
        self.replay_turn = asyncio.Lock()

    def push(self, frames: bytes, *, ephemeral: bool = False) -> None:
        while frames:
            length, start = (frames[1], 2) if frames[1] < 126 else (int.from_bytes(frames[2:4], "big"), 4)
            self.frames.append(frames[start : start + length].decode())
            frames = frames[start + length :]
        self.on_push()

    def close(self, code: CloseCode) -> None:
        self.close_code = code
        self.open = False

    async def wait_writable(self) -> None:
        return None


class World:
    def __init__(self) -> None:
        self.log = ScriptedLog()
        self.hub = Hub(RunningLoop(), self.log)
        self.relay = Relay(self.log, self.hub, no_departures(self.hub), Supervisor().spawn)
        self.joiner = RoomJoiner(self.log, self.relay, self.hub, unchanged_rooms(self.hub, self.relay))

    async def join(self, reader: Reader, after: int | None = None, limit: int = 50) -> None:
        position = None if after is None else Position(epoch="e1", seq=after)
        command = Join(room=ROOM, after=position, limit=limit)
        joining = asyncio.ensure_future(self.joiner.join(cast(Connection, reader), command))
        await asyncio.sleep(0)
        self.relay.subscribed(ROOM)
        await joining


@pytest.fixture
async def world() -> World:
    return World()


def seqs(reader: Reader) -> list[int]:
    return [int(frame.rpartition("-")[2]) for frame in reader.frames if frame.startswith("e1-")]


def before_read(log: ScriptedLog, number: int, action: Callable[[], object]) -> None:
    """Call `action` just before the `number`th read of the log from now."""
    count = 0

    def count_read() -> None:
        nonlocal count
        count += 1
        if count == number:
            action()

    log.before_read = count_read


class NewerRooms:
    """A `RoomSync` that finds, from version 2 of the room on, that the user is not in it any more."""

    async def is_member(self, connection: Connection, room_id: str, version: int) -> bool:
        return version < 2


@pytest.mark.parametrize("is_again", [False, True])
async def test_a_join_that_meets_a_newer_version_of_the_room_compares_before_it_sends(
    world: World, is_again: bool
) -> None:
    world.joiner = RoomJoiner(world.log, world.relay, world.hub, cast(RoomSync, NewerRooms()))
    world.log.append_events(3)
    reader = Reader()
    if is_again:
        await world.join(reader)
        reader.frames.clear()
    world.log.version = 2
    with pytest.raises(NotInRoom):
        await world.join(reader)
    assert reader.frames == []
    assert not world.hub.has(ROOM, reader)
    assert reader.joined == {}


async def test_old_position_is_replayed_page_by_page(world: World) -> None:
    world.log.append_events(1700)
    reader = Reader()
    await world.join(reader, after=3)
    assert seqs(reader) == list(range(4, 1701))


async def test_replay_is_complete_and_slow_when_the_user_has_read_too_much(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.log.append_events(1700)
    reader = Reader()
    reader.reads.charge(2 * READ_BURST_BYTES, time.monotonic())
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    await world.join(Reader())
    monkeypatch.setattr("cloudchat.realtime.feeds.replay.asyncio.sleep", sleep)
    await world.joiner.join(cast(Connection, reader), Join(room=ROOM, after=Position(epoch="e1", seq=3)))
    assert seqs(reader) == list(range(4, 1701))
    assert len(pauses) > 1
    assert all(10 < pause < 40 for pause in pauses)


async def test_joins_are_charged_for_what_they_read_and_send(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    charges: list[int] = []
    monkeypatch.setattr(ReadBudget, "charge", lambda _, size, now: charges.append(size))
    world.log.append_events(100)
    await world.join(Reader(), limit=1)
    opened, sent = charges
    assert opened > 50 * sent > 0
    charges.clear()
    await world.join(Reader(), limit=1)
    assert charges == [sent]


async def test_store_that_fails_before_anything_is_sent_raises(world: World) -> None:
    world.log.append_events(1700)
    await world.join(Reader())
    before_read(world.log, 2, lambda: setattr(world.log, "unavailable", True))
    reader = Reader()
    with pytest.raises(BrokerUnavailable):
        await world.join(reader, after=3)
    assert reader.frames == []


async def test_store_that_fails_during_a_replay_closes_the_socket(world: World) -> None:
    """The client has received `joined`: only a closed socket makes it request the rest."""
    world.log.append_events(1700)
    await world.join(Reader())
    reader = Reader()
    reader.on_push = lambda: setattr(world.log, "unavailable", True)
    await world.join(reader, after=3)
    assert seqs(reader) == list(range(4, 504))
    assert reader.close_code is CloseCode.TOO_SLOW


async def test_log_whose_tail_is_larger_than_a_page_is_joined_at_its_head(world: World) -> None:
    """Pages are bounded in bytes: the page that opens a feed may end long before the head."""
    world.log.append_events(90)
    world.log.max_page_events = 20
    reader = Reader()
    await world.join(reader, limit=10)
    assert msgspec.json.decode(reader.frames[0])["seq"] == 90
    assert seqs(reader) == list(range(81, 91))


@pytest.mark.parametrize("when", ["while the first page is read", "while the second page is read"])
async def test_event_in_a_page_that_is_received_later_is_not_sent_twice(world: World, when: str) -> None:
    """A page may end after the feed's position: its last events are received and delivered later."""
    count = {"while the first page is read": 200, "while the second page is read": 700}[when]
    world.log.append_events(count)
    reader = Reader()
    await world.join(Reader())
    reads = count // 500 + 2  # the catch-up, then the pages
    before_read(world.log, reads, lambda: world.log.append_events(2))
    await world.join(reader, after=3)
    for seq in (count + 1, count + 2):
        world.relay.event_received(ROOM, world.log.epoch, seq, world.log.events[seq])
        world.hub.flush(ROOM)
    assert seqs(reader) == list(range(4, count + 3))
    assert reader.close_code is None


async def test_epoch_that_changes_during_a_read_is_joined_from_its_start(world: World) -> None:
    """The page is of the old epoch, the feed already of the new one: the two must not be mixed."""
    world.log.append_events(200)
    await world.join(Reader())
    read = world.log.read
    started: list[int] = []

    async def read_during_a_wipe(room: str, after: int, limit: int) -> Page:
        page = await read(room, after, limit)
        if after == 3 and not started:
            started.append(after)
            world.log.wipe("e2")
            world.log.append_events(2)
            await world.relay.catch_up(world.relay._feeds[ROOM])
        return page

    world.log.read = read_during_a_wipe  # type: ignore[method-assign]
    reader = Reader()
    await world.join(reader, after=3)
    assert started
    assert msgspec.json.decode(reader.frames[0])["status"] == "gap"
    assert reader.frames[1:] == ["e2-1", "e2-2"]


@pytest.mark.parametrize("first_join", [True, False])
async def test_join_that_finds_the_store_away_leaves_the_socket_outside_of_the_room(
    world: World, first_join: bool
) -> None:
    """A rejoin left the socket joined but not a member: it received no event, and nobody told its client."""
    world.log.append_events(700)
    other, reader = Reader(), Reader()
    await world.join(other)
    if not first_join:
        await world.join(reader)
    before_read(world.log, 2 if first_join else 1, lambda: setattr(world.log, "unavailable", True))
    frames = len(reader.frames)
    with pytest.raises(BrokerUnavailable):
        await world.join(reader, after=3)
    assert (reader.joined, reader.frames[frames:]) == ({}, [])
    world.log.unavailable = False
    world.log.before_read = lambda: None
    world.relay.event_received(ROOM, *world.log.append_events())
    world.hub.flush(ROOM)
    assert reader.frames[frames:] == []
    await world.join(reader, after=700)
    world.relay.event_received(ROOM, *world.log.append_events())
    world.hub.flush(ROOM)
    assert seqs(reader)[-2:] == [701, 702]
    assert world.relay._feeds[ROOM].refcount == 2


async def started_join(world: World, reader: Reader) -> tuple[asyncio.Event, "asyncio.Future[None]"]:
    """Start a join whose replay waits for the socket. Return the event that makes the socket writable, and the join."""
    world.log.append_events(3)
    await world.join(Reader())
    writable = asyncio.Event()

    async def wait_writable() -> None:
        await writable.wait()

    reader.wait_writable = wait_writable  # type: ignore[method-assign]
    joining = asyncio.ensure_future(world.join(reader))
    await asyncio.wait({joining}, timeout=0.05)
    assert not joining.done()
    return writable, joining


async def test_replay_waits_until_the_socket_has_taken_what_was_sent_before(world: World) -> None:
    """The replays of 500 rooms together are larger than the send buffer."""
    reader = Reader()
    writable, joining = await started_join(world, reader)
    assert reader.frames == []
    world.relay.event_received(ROOM, *world.log.append_events())
    writable.set()
    await joining
    world.hub.flush(ROOM)
    assert seqs(reader) == [1, 2, 3, 4]


async def test_user_who_leaves_the_room_before_the_replay_gets_nothing_of_it(world: World) -> None:
    reader = Reader()
    writable, joining = await started_join(world, reader)
    world.joiner.leave(cast(Connection, reader), reader.joined.pop(ROOM))
    writable.set()
    with pytest.raises(NotInRoom):
        await joining
    assert reader.frames == []
    assert world.relay.has_feed(ROOM)


@pytest.mark.parametrize("read", [1, 2, 3])
async def test_user_who_leaves_the_room_during_the_replay_gets_nothing_more(world: World, read: int) -> None:
    """The notice is delivered while a page is read. The pages behind it have events that the user must not see."""
    world.log.append_events(1700)
    await world.join(Reader())
    reader = Reader()

    def leave() -> None:
        reader.rooms.clear()
        world.relay.event_received(ROOM, *world.log.append_events())

    before_read(world.log, 1 + read, leave)  # the first read catches up
    if read == 1:
        with pytest.raises(NotInRoom):
            await world.join(reader, after=3)
        assert reader.frames == []
    else:
        await world.join(reader, after=3)
        assert seqs(reader) == list(range(4, 4 + 500 * (read - 1)))
    world.relay.event_received(ROOM, *world.log.append_events())
    assert "e1-1702" not in reader.frames
