"""Nothing of a room reaches a user who left it while a command was executed."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

import pytest

from cloudchat.core.stream_position import StreamPosition
from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.protocol.commands import Read, Who
from cloudchat.realtime.connection_registry import ConnectionRegistry
from cloudchat.realtime.ephemeral.ephemeral_commands import EphemeralCommands
from cloudchat.realtime.ephemeral.presence_delivery import PresenceDelivery
from cloudchat.realtime.ephemeral.presence_sync import PresenceSync
from cloudchat.realtime.ephemeral.presence_view import PresenceView
from cloudchat.realtime.ephemeral.read_markers import Marker, ReadMarkers
from cloudchat.realtime.ephemeral.signal_router import SignalRouter
from cloudchat.realtime.ephemeral.signals import ReadAdvanced, SignalPublisher
from cloudchat.realtime.feeds.relay import Relay
from cloudchat.realtime.hub import Hub
from cloudchat.realtime.membership.room_hints import RoomHints
from cloudchat.rooms.members.repository import RoomMember
from cloudchat.rooms.summaries.summary import RoomSummary
from unit.realtime.fakes import FakeSocket, connection_of

pytestmark = pytest.mark.anyio

ROOM = RoomSummary("room", "room", "private")


class World:
    """A connection in a room, and what its commands ask for. `leaves_during` names the question that it leaves at."""

    def __init__(self, leaves_during: str) -> None:
        self.leaves_during = leaves_during
        self.socket = FakeSocket()
        self.connection = connection_of("ann", self.socket, [ROOM])
        self.markers = ReadMarkers(self.save)
        self.commands = EphemeralCommands(
            cast(Relay, self),
            self.markers,
            cast(SignalPublisher, self),
            PresenceDelivery(PresenceView(), self, cast(ConnectionRegistry, self), cast(Hub, self)),
            lambda user_id: None,
        )

    async def heads_of(self, rooms: Iterable[str]) -> Mapping[str, StreamPosition]:
        self.ask("head")
        return {room: StreamPosition("e1", 9) for room in rooms}

    async def save(self, markers: Mapping[Marker, StreamPosition]) -> Mapping[Marker, int]:
        self.ask("save")
        raise DatabaseUnavailable

    async def memberships_in_small_rooms(self, *_: object) -> Sequence[RoomMember]:
        return []

    async def members_of(self, room_id: str) -> Sequence[RoomMember]:
        self.ask("members")
        return [RoomMember(room_id, "bob", "bob")]

    def ask(self, question: str) -> None:
        if question == self.leaves_during:
            self.connection.drop_room(ROOM.id)


async def execute_who(world: World) -> None:
    await world.commands.who(world.connection, Who(id="c", room=ROOM.id))


async def execute_read(world: World) -> None:
    await world.commands.read(world.connection, Read(id="c", room=ROOM.id, seq=5))
    await world.markers.flush()
    await asyncio.sleep(0)  # the callbacks of the marker


@pytest.mark.parametrize(
    ("execute", "question"), [(execute_who, "members"), (execute_read, "head"), (execute_read, "save")]
)
async def test_a_command_of_a_user_who_has_left_meanwhile_is_not_found(
    execute: Callable[[World], Any], question: str
) -> None:
    world = World(leaves_during=question)
    await execute(world)
    [reply] = world.socket.events
    assert (reply["type"], reply["id"], reply["code"]) == ("error", "c", "not_found")


@pytest.mark.parametrize("is_in_room", [True, False])
async def test_a_read_marker_reaches_only_connections_that_are_in_the_room(is_in_room: bool) -> None:
    world = World(leaves_during="")
    registry, hub = cast(Any, world), cast(Any, world)
    registry.connections_of = lambda user_id: [world.connection]
    hub.size_of = lambda room: 0
    router = SignalRouter(hub, registry, RoomHints(), cast(PresenceSync, None), lambda user_id: None)
    if not is_in_room:
        world.connection.drop_room(ROOM.id)
    router.signal_received(ReadAdvanced(ROOM.id, "ann", 5, "another connection"))
    assert [reply["type"] for reply in world.socket.events] == ["read"] * is_in_room
