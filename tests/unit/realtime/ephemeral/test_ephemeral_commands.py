"""Who may type, and up to where one may have read. Nothing of a room reaches a user who left it meanwhile."""

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

import pytest
from msgspec.structs import replace

from cloudchat.auth.principal import CHAT_READ, CHAT_WRITE
from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.core.stream_position import StreamPosition
from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.protocol.commands import Read, Typing, Who
from cloudchat.realtime.connection_registry import ConnectionRegistry
from cloudchat.realtime.ephemeral.ephemeral_commands import EphemeralCommands
from cloudchat.realtime.ephemeral.presence_delivery import PresenceDelivery
from cloudchat.realtime.ephemeral.presence_sync import PresenceSync
from cloudchat.realtime.ephemeral.presence_view import PresenceView
from cloudchat.realtime.ephemeral.read_markers import Marker, ReadMarkers
from cloudchat.realtime.ephemeral.signal_router import SignalRouter
from cloudchat.realtime.ephemeral.signals import ReadAdvanced, Signal, SignalPublisher
from cloudchat.realtime.feeds.relay import Relay
from cloudchat.realtime.hub import Hub
from cloudchat.realtime.membership.room_hints import RoomHints
from cloudchat.rooms.members.repository import RoomMember
from cloudchat.rooms.summaries.summary import RoomSummary
from unit.realtime.fakes import FakeSocket, connection_of

pytestmark = pytest.mark.anyio

ROOM = RoomSummary("room", "room", "private")


class World:
    """A connection in a room, and what its commands ask for. `leaves_during` names the question that it leaves at.

    The questions in `fails` are not answered.
    """

    def __init__(self, leaves_during: str = "") -> None:
        self.leaves_during = leaves_during
        self.fails: set[str] = set()
        self.advanced: list[str] = []
        self.signals: list[Signal] = []
        self.socket = FakeSocket()
        self.connection = connection_of("ann", self.socket, [ROOM])
        self.markers = ReadMarkers(self.save)
        self.commands = EphemeralCommands(
            cast(Relay, self),
            self.markers,
            cast(SignalPublisher, self),
            PresenceDelivery(PresenceView(), self, cast(ConnectionRegistry, self), cast(Hub, self)),
            self.advanced.append,
        )

    async def heads_of(self, rooms: Iterable[str]) -> Mapping[str, StreamPosition]:
        self.ask("head", BrokerUnavailable("away"))
        return {room: StreamPosition("e1", 9) for room in rooms}

    async def save(self, markers: Mapping[Marker, StreamPosition]) -> Mapping[Marker, int]:
        self.ask("save", DatabaseUnavailable())
        return {marker: position.seq for marker, position in markers.items()}

    def send(self, signal: Signal) -> None:
        self.signals.append(signal)

    async def memberships_in_small_rooms(self, *_: object) -> Sequence[RoomMember]:
        return []

    async def members_of(self, room_id: str) -> Sequence[RoomMember]:
        self.ask("members", DatabaseUnavailable())
        return [RoomMember(room_id, "bob", "bob")]

    def ask(self, question: str, failure: Exception) -> None:
        if question == self.leaves_during:
            self.connection.drop_room(ROOM.id)
        if question in self.fails:
            raise failure


async def execute_who(world: World) -> None:
    await world.commands.who(world.connection, Who(id="c", room=ROOM.id))


async def execute_read(world: World, seq: int = 5) -> None:
    await world.commands.read(world.connection, Read(id="c", room=ROOM.id, seq=seq))
    await world.markers.flush()
    await asyncio.sleep(0)  # the callbacks of the marker


@pytest.mark.parametrize(
    ("execute", "question"), [(execute_who, "members"), (execute_read, "head"), (execute_read, "save")]
)
async def test_a_command_of_a_user_who_has_left_meanwhile_is_not_found(
    execute: Callable[[World], Any], question: str
) -> None:
    world = World(leaves_during=question)
    world.fails = {"save"}
    await execute(world)
    [reply] = world.socket.events
    assert (reply["type"], reply["id"], reply["code"]) == ("error", "c", "not_found")


@pytest.mark.parametrize(
    ("execute", "question"), [(execute_who, "members"), (execute_read, "head"), (execute_read, "save")]
)
async def test_a_command_that_cannot_be_answered_is_unavailable(execute: Callable[[World], Any], question: str) -> None:
    world = World()
    world.fails = {question}
    await execute(world)
    [reply] = world.socket.events
    assert (reply["id"], reply["code"], reply["retryable"]) == ("c", "unavailable", True)
    assert (world.signals, world.advanced) == ([], [])


@pytest.mark.parametrize(("seq", "saved"), [(5, 5), (9, 9), (10, 9), (2**53 - 1, 9)])
async def test_nothing_beyond_the_head_is_marked_as_read(seq: int, saved: int) -> None:
    world = World()
    await execute_read(world, seq)
    assert [reply["seq"] for reply in world.socket.events] == [saved]
    assert [signal.seq for signal in world.signals if isinstance(signal, ReadAdvanced)] == [saved]
    assert world.advanced == ["ann"]


@pytest.mark.parametrize(
    ("change", "scopes", "code"),
    [
        ({}, {CHAT_READ, CHAT_WRITE}, ""),
        ({}, {CHAT_READ}, "forbidden"),
        ({"role": "reader"}, {CHAT_READ, CHAT_WRITE}, "forbidden"),
        ({"archived": True}, {CHAT_READ, CHAT_WRITE}, "forbidden"),
        ({"muted_until": math.inf}, {CHAT_READ, CHAT_WRITE}, "muted"),
    ],
    ids=["member", "read-only token", "reader", "archived", "muted"],
)
async def test_only_a_user_who_may_send_is_shown_as_typing(change: dict[str, Any], scopes: set[str], code: str) -> None:
    world = World()
    world.connection.put_room(replace(ROOM, **change))
    world.connection.principal = replace(world.connection.principal, scopes=frozenset(scopes))
    world.commands.typing(world.connection, Typing(id="c", room=ROOM.id))
    assert [(reply["id"], reply["code"]) for reply in world.socket.events] == ([("c", code)] if code else [])
    assert len(world.signals) == (0 if code else 1)


@pytest.mark.parametrize("is_in_room", [True, False])
async def test_a_read_marker_reaches_only_connections_that_are_in_the_room(is_in_room: bool) -> None:
    world = World()
    registry, hub = cast(Any, world), cast(Any, world)
    registry.connections_of = lambda user_id: [world.connection]
    hub.size_of = lambda room: 0
    router = SignalRouter(hub, registry, RoomHints(), cast(PresenceSync, None), lambda user_id: None)
    if not is_in_room:
        world.connection.drop_room(ROOM.id)
    router.signal_received(ReadAdvanced(ROOM.id, "ann", 5, "another connection"))
    assert [reply["type"] for reply in world.socket.events] == ["read"] * is_in_room
