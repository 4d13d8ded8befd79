"""The heads that connections get with each heartbeat."""

from typing import Any, cast

import msgspec
import pytest

from cloudchat.broker.reads import Page
from cloudchat.realtime.connection import Connection
from cloudchat.realtime.connection_registry import ConnectionRegistry
from cloudchat.realtime.feeds.heartbeat import MAX_WORK_PER_TICK, Heartbeat
from cloudchat.realtime.feeds.relay import Relay
from cloudchat.realtime.feeds.room_feed import RoomFeed
from cloudchat.realtime.hub import Hub, RunningLoop
from unit.realtime.fakes import socket_without_descriptor
from unit.realtime.scripted_log import ScriptedLog

pytestmark = pytest.mark.anyio


class Member:
    """A connection and its socket in one. Each element of `writes` is what one write contained."""

    def __init__(self) -> None:
        self.socket = self
        self.direct = socket_without_descriptor()
        self.joined: dict[str, RoomFeed] = {}
        self.writes: list[tuple[bool, list[Any]]] = []

    def push(self, frames: bytes, *, ephemeral: bool = False) -> None:
        events = []
        while frames:
            length = frames[1]
            assert length < 126
            events.append(msgspec.json.decode(frames[2 : 2 + length]))
            frames = frames[2 + length :]
        self.writes.append((ephemeral, events))


class World:
    def __init__(self) -> None:
        self.members: list[Member] = []
        self.hub = Hub(RunningLoop(), ScriptedLog())
        registry = cast(ConnectionRegistry, self)
        self.heartbeat = Heartbeat(cast(Relay, None), self.hub, registry, 25)

    def all(self) -> list[Connection]:
        return cast(list[Connection], self.members)

    def member(self, rooms: int = 0) -> Member:
        member = Member()
        self.members.append(member)
        for number in range(rooms):
            self.join(member, RoomFeed(f"r{number}"))
        return member

    def join(self, member: Member, feed: RoomFeed) -> None:
        feed.open(Page("e1", 7, 1, 8, []))
        member.joined[feed.room] = feed
        self.hub.add(feed.room, member)


@pytest.fixture
async def world() -> World:
    return World()


async def test_heads_of_all_rooms_are_one_write(world: World) -> None:
    member, other = world.member(500), world.member(1)
    world.member(0)
    await world.heartbeat.send_heads()
    [(ephemeral, heads)] = member.writes
    assert ephemeral
    assert heads == [{"type": "head", "room": f"r{number}", "epoch": "e1", "seq": 7} for number in range(500)]
    assert [heads for _, heads in other.writes] == [heads[:1]]
    assert world.members[2].writes == []


async def test_head_follows_the_events_before_it(world: World) -> None:
    member = world.member()
    feed = RoomFeed("lobby")
    world.join(member, feed)
    frame = feed.accept("e1", 8, b'{"seq":8}')
    assert frame is not None
    world.hub.deliver("lobby", frame)
    await world.heartbeat.send_heads()
    assert [event["seq"] for _, events in member.writes for event in events] == [8, 8]


async def test_room_whose_replay_has_not_ended_gets_no_head(world: World) -> None:
    """The client is behind the head then, and would join again."""
    member = world.member(2)
    world.hub.remove("r0", member)
    await world.heartbeat.send_heads()
    assert [head["room"] for _, heads in member.writes for head in heads] == ["r1"]


async def test_all_connections_get_their_heads_in_several_ticks(world: World) -> None:
    members = [world.member(1) for _ in range(MAX_WORK_PER_TICK // 5)]
    await world.heartbeat.send_heads()
    assert all(len(member.writes) == 1 for member in members)
