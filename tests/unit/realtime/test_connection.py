"""A connection without a network: its queue of commands, its drain, and what it releases when it is closed."""

import asyncio
import json
import time

import pytest

from cloudchat.auth.principal import Principal
from cloudchat.protocol.close_codes import CloseCode
from cloudchat.protocol.commands import Leave
from cloudchat.protocol.events import Limits
from cloudchat.realtime.command_gate import CommandGate
from cloudchat.realtime.connection import Connection
from cloudchat.realtime.user_allowance import UserAllowance
from unit.realtime.fakes import FakeHandler, FakeSlots, FakeSocket

pytestmark = pytest.mark.anyio


class World:
    """One connection and everything around it."""

    def __init__(self) -> None:
        self.socket, self.slots, self.handler = FakeSocket(), FakeSlots(), FakeHandler()
        user = Principal("u1", "ann", "member", frozenset(), "s1", time.time() + 600, "access")
        gate = CommandGate(Limits(), UserAllowance(20, 0), 0)
        self.connection = Connection(self.socket, user, {}, gate, self.slots, self.handler)
        self.socket.on_close = self.connection.closed


@pytest.fixture
async def world() -> World:
    return World()


async def test_command_that_fails_unexpectedly_closes_the_socket_with_1011(world: World) -> None:
    executed = []

    async def fail() -> None:
        raise LookupError("a bug")

    async def succeed() -> None:
        executed.append(True)

    world.connection.enqueue(Leave(room="lobby"), fail)
    world.connection.enqueue(Leave(room="lobby"), succeed)
    world.connection.enqueue(Leave(room="office"), succeed)
    await asyncio.wait(world.handler.tasks)
    assert world.socket.closes == [CloseCode.INTERNAL_ERROR]
    assert not executed
    assert world.handler.supervisor.failures == 1


async def test_closed_connection_releases_its_slots_and_leaves_its_rooms(world: World) -> None:
    world.connection.closed()
    assert world.handler.closed == [world.connection]
    assert world.slots.releases == 1
    assert not world.connection.open


async def test_frame_that_is_not_json_is_answered_and_closes_with_4400(world: World) -> None:
    world.connection.text_received("hello?")
    assert len(world.handler.rejected) == len(world.socket.frames) == 1
    assert world.socket.closes == [CloseCode.BAD_COMMANDS]


async def test_drain_closes_with_1012_after_the_last_pending_send(world: World) -> None:
    world.connection.pending_sends = 2
    world.connection.drain()
    assert world.connection.draining
    world.connection.send_finished()
    assert world.socket.closes == []
    world.connection.send_finished()
    assert world.socket.closes == []  # the hub sends the last reply at the end of this tick
    await asyncio.sleep(0)
    assert world.socket.closes == [CloseCode.SERVICE_RESTART]


async def test_drain_without_pending_sends_closes_immediately(world: World) -> None:
    world.connection.drain()
    (frame,) = world.socket.frames
    assert 100 <= json.loads(frame[frame.index(b"{") :])["reconnect_after_ms"] <= 5000
    await asyncio.sleep(0)
    assert world.socket.closes == [CloseCode.SERVICE_RESTART]
