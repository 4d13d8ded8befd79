"""A user leaves a room at the notice in its log: between the same two events in every process."""

import asyncio
import json

import pytest

from cloudchat.process.supervision import Supervisor
from cloudchat.realtime.connection import Connection
from cloudchat.realtime.connection_registry import ConnectionRegistry, SocketLimits
from cloudchat.realtime.ephemeral.local_presence import LocalPresence
from cloudchat.realtime.feeds.relay import Relay
from cloudchat.realtime.hub import Hub, RunningLoop
from cloudchat.realtime.membership.departures import Departures
from cloudchat.realtime.membership.room_hints import RoomHints
from cloudchat.rooms.summaries.summary import RoomSummary
from unit.realtime.fakes import FakeSocket, connection_of
from unit.realtime.scripted_log import Received, ScriptedLog

pytestmark = pytest.mark.anyio

ROOM = RoomSummary("room", "room", "private")


class World:
    """Sockets of ann, who leaves, and of bob, who stays, in one process."""

    def __init__(self) -> None:
        self.log = ScriptedLog()
        self.hub = Hub(RunningLoop(), self.log)
        self.registry = ConnectionRegistry(SocketLimits(), 20, LocalPresence())
        self.hints = RoomHints()
        self.departures = Departures(self.registry, self.hub, self.hints)
        self.relay = Relay(self.log, self.hub, self.departures, Supervisor().spawn)
        self.ann, self.bob = FakeSocket(), FakeSocket()
        self.connections = [self._connect(slot, name) for slot, name in enumerate(("ann", "bob"))]

    def _connect(self, slot: int, name: str) -> Connection:
        allowance = self.registry.allowance(name, 0.0)
        connection = connection_of(name, getattr(self, name), [ROOM], allowance)
        self.registry.add(connection, slot)
        return connection

    async def join(self) -> None:
        acquired = asyncio.ensure_future(self.relay.acquire(ROOM.id))
        await asyncio.sleep(0)
        self.relay.subscribed(ROOM.id)
        self.feed = await acquired
        for socket in (self.ann, self.bob):
            self.hub.add(ROOM.id, socket)

    def append(self, **event: object) -> Received:
        epoch, seq, _ = self.log.append_events()
        self.log.events[seq] = json.dumps(event, separators=(",", ":")).encode()
        return epoch, seq, self.log.events[seq]

    async def deliver(self, events: list[Received], *, by_reading: bool) -> None:
        if by_reading:
            await self.relay.catch_up(self.feed)
        else:
            for event in events:
                self.relay.event_received(ROOM.id, *event)
        await asyncio.sleep(0)


def texts(socket: FakeSocket) -> list[str]:
    sent = b"".join(socket.frames).decode(errors="replace")
    return [text for text in ("before", "notice", "after") if text in sent]


@pytest.mark.parametrize("by_reading", [False, True])
@pytest.mark.parametrize(
    "notice",
    [
        {"kind": "left", "user": {"id": "ann", "name": "ann"}},
        {"kind": "removed", "user": {"id": "bob", "name": "bob"}, "target": {"id": "ann", "name": "ann"}},
    ],
    ids=["left", "removed"],
)
async def test_a_user_gets_what_is_before_the_notice_and_nothing_after_it(
    notice: dict[str, object], by_reading: bool
) -> None:
    world = World()
    await world.join()
    woken = world.hints.flag()
    events = [
        world.append(type="message", text="before"),
        world.append(type="notice", **notice),
        world.append(type="message", text="after"),
    ]
    await world.deliver(events, by_reading=by_reading)
    assert texts(world.ann) == ["before"]
    assert texts(world.bob) == ["before", "notice", "after"]
    ann, bob = world.connections
    assert (ROOM.id in ann.rooms, ROOM.id in bob.rooms) == (False, True)
    assert world.departures.take() == [("ann", ROOM.id)]
    assert woken.is_set()


async def test_other_notices_remove_nobody() -> None:
    world = World()
    await world.join()
    ann = {"id": "ann", "name": "ann"}
    for kind in ("created", "joined", "added", "role", "renamed", "topic", "archived", "restored"):
        await world.deliver([world.append(type="notice", kind=kind, user=ann, target=ann)], by_reading=False)
    await world.deliver([world.append(type="message", text="after")], by_reading=False)
    assert texts(world.ann) == ["notice", "after"]
    assert world.departures.take() == []
