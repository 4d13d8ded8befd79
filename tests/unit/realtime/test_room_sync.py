"""The connections of a process are kept equal to the database, whatever is read in which order."""

import asyncio
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.process.supervision import Supervisor
from cloudchat.realtime.connection import Connection
from cloudchat.realtime.connection_registry import ConnectionRegistry, SocketLimits
from cloudchat.realtime.ephemeral.local_presence import LocalPresence
from cloudchat.realtime.feeds.relay import Relay
from cloudchat.realtime.hub import Hub, RunningLoop
from cloudchat.realtime.membership.departures import Departures
from cloudchat.realtime.membership.room_hints import RoomHints
from cloudchat.realtime.membership.room_sync import NotInRoom, RoomSync, UserAndRoom
from cloudchat.rooms.changes.repository import RoomChange
from cloudchat.rooms.summaries.summary import RoomFacts, RoomSummary
from unit.realtime.fakes import FakeSocket, connection_of
from unit.realtime.room_state import UnchangedRooms
from unit.realtime.scripted_log import ScriptedLog

pytestmark = pytest.mark.anyio

OFFICE = RoomSummary("office", "office", "private", version=1)
ANN_LEFT = b'{"type":"notice","kind":"left","user":{"id":"ann","name":"ann"}}'


class Rooms(UnchangedRooms):
    """A database: its changes, the memberships in it, and the version of the room."""

    def __init__(self) -> None:
        self.changes: dict[str, int] = {}
        """The version of the last change by the user that it concerns ("": all members)."""
        self.members: dict[str, RoomSummary] = {}
        self.version = 1
        self.banned: dict[str, float] = {}
        self.during_memberships: Callable[[], object] = lambda: None

    async def room_changes_since(self, since: float) -> Sequence[RoomChange]:
        return [RoomChange(OFFICE.id, user, version) for user, version in self.changes.items()]

    async def room_changes_after(self, room_id: str, version: int) -> Sequence[RoomChange]:
        return [change for change in await self.room_changes_since(0.0) if change.version > version]

    async def room_facts(self, room_ids: Collection[str]) -> Mapping[str, RoomFacts]:
        return {OFFICE.id: RoomFacts(OFFICE.id, "private", "office", "a topic", False, 0, 0, self.version, 2)}

    async def memberships(self, pairs: Collection[UserAndRoom]) -> Mapping[UserAndRoom, RoomSummary]:
        self.during_memberships()
        return {(user, room): self.members[user] for user, room in pairs if user in self.members}

    async def bans(self, pairs: Collection[UserAndRoom]) -> Mapping[UserAndRoom, float]:
        return {(user, room): self.banned[user] for user, room in pairs if user in self.banned}

    async def raise_room_version(self, room_id: str, version: int) -> None:
        self.version = version


class World:
    """One process with connections of ann and bob, who are members of the office."""

    def __init__(self, rooms: UnchangedRooms) -> None:
        log = ScriptedLog()
        hub = Hub(RunningLoop(), log)
        hints = RoomHints()
        self.registry = ConnectionRegistry(SocketLimits(), 20, LocalPresence())
        self.departures = Departures(self.registry, hub, hints)
        self.hub, self.relay = hub, Relay(log, hub, self.departures, Supervisor().spawn)
        self.sync = RoomSync(rooms, self.registry, hub, self.relay, self.departures, hints)
        self.sockets = {"ann": FakeSocket(), "bob": FakeSocket()}
        self.ann, self.bob = (self.connect(slot, name) for slot, name in enumerate(self.sockets))

    def connect(self, slot: int, name: str) -> Connection:
        connection = connection_of(name, self.sockets[name], [OFFICE], self.registry.allowance(name, 0.0))
        self.registry.add(connection, slot)
        return connection

    async def join(self, connection: Connection) -> None:
        """Let a connection receive the events of the office."""
        acquired = asyncio.ensure_future(self.relay.acquire(OFFICE.id))
        await asyncio.sleep(0)
        self.relay.subscribed(OFFICE.id)
        connection.joined[OFFICE.id] = await acquired
        self.hub.add(OFFICE.id, connection.socket)

    def told(self, name: str) -> list[Any]:
        """Return what the user was told: the type of each event, and the room's topic or role in it."""
        return [
            (event["type"], event["room"]["topic"] or event["room"]["role"] if "kind" in event["room"] else "")
            for event in self.sockets[name].events
        ]


@pytest.fixture
def rooms() -> Rooms:
    return Rooms()


@pytest.fixture
async def world(rooms: Rooms) -> World:
    rooms.members = {"ann": OFFICE, "bob": OFFICE}
    return World(rooms)


async def test_a_change_of_the_room_reaches_all_its_members_once(world: World, rooms: Rooms) -> None:
    rooms.changes, rooms.version = {"": 2}, 2
    for _ in range(2):
        await world.sync.sweep()
    assert world.told("ann") == world.told("bob") == [("room_changed", "a topic")]
    assert world.sync.versions == {OFFICE.id: 2}


async def test_a_change_of_one_member_during_a_change_of_all_is_not_overlooked(world: World, rooms: Rooms) -> None:
    """The facts of the room are read after its changes, so they can be newer."""
    rooms.changes, rooms.version = {"": 2}, 3
    await world.sync.sweep()
    assert (world.bob.rooms[OFFICE.id].version, world.sync.versions[OFFICE.id]) == (2, 2)
    rooms.changes["bob"] = 3
    rooms.members["bob"] = replace(OFFICE, role="reader", version=3)
    await world.sync.sweep()
    assert world.bob.rooms[OFFICE.id].role == "reader"


async def test_what_was_read_before_a_change_does_not_replace_the_newer_state(world: World, rooms: Rooms) -> None:
    world.ann.put_room(replace(OFFICE, role="owner", version=5))
    rooms.changes = {"ann": 6}
    rooms.members["ann"] = replace(OFFICE, role="reader", version=4)
    await world.sync.sweep()
    assert world.ann.rooms[OFFICE.id].role == "owner"


async def test_a_member_whom_only_the_database_has_removed_gets_nothing_more(world: World, rooms: Rooms) -> None:
    """No notice in the log says so, for example after a restore of the database."""
    await world.join(world.ann)
    rooms.changes = {"ann": 2}
    del rooms.members["ann"]
    rooms.banned["ann"] = math.inf
    await world.sync.sweep()
    assert not world.hub.has(OFFICE.id, world.sockets["ann"])
    assert not world.relay.has_feed(OFFICE.id)
    assert (world.ann.rooms, world.ann.joined) == ({}, {})
    assert world.sockets["ann"].events == [{"type": "room_removed", "room": OFFICE.id, "banned_until": None}]


async def test_a_member_who_is_removed_and_added_again_is_told_both_in_order(world: World, rooms: Rooms) -> None:
    world.departures.before_delivery(OFFICE.id, ANN_LEFT)
    rooms.changes = {"ann": 3}
    rooms.members["ann"] = replace(OFFICE, role="reader", version=3)
    await world.sync.sweep()
    assert world.told("ann") == [("room_removed", ""), ("room_added", "reader")]
    assert world.told("bob") == []


async def test_a_member_who_leaves_and_returns_while_memberships_are_read_is_told_both(
    world: World, rooms: Rooms
) -> None:
    rooms.changes = {"ann": 3}
    rooms.members["ann"] = replace(OFFICE, role="reader", version=3)
    rooms.during_memberships = lambda: world.departures.before_delivery(OFFICE.id, ANN_LEFT)
    await world.sync.refresh(OFFICE.id, 2)
    assert world.told("ann") == [("room_removed", ""), ("room_added", "reader")]


async def test_a_departure_whose_notice_is_older_than_the_membership_is_undone(world: World, rooms: Rooms) -> None:
    """A process that is behind reads the notice when the user has come back. No change follows that would say so."""
    rooms.changes, rooms.members["ann"] = {"ann": 1}, OFFICE
    await world.sync.sweep()
    world.departures.before_delivery(OFFICE.id, ANN_LEFT)
    await world.sync.sweep()
    assert world.told("ann") == [("room_removed", ""), ("room_added", "member")]


@pytest.mark.parametrize(
    ("held", "seen", "is_outdated"),
    [
        ([replace(OFFICE, version=1)], {}, True),
        ([replace(OFFICE, version=2)], {}, True),
        ([replace(OFFICE, version=3)], {}, False),
        ([], {}, True),
        ([], {OFFICE.id: 3}, False),
    ],
    ids=["older than all", "older than ann's", "current", "missing", "known to be missing"],
)
async def test_a_connection_that_opens_is_compared_with_what_was_applied(
    world: World, rooms: Rooms, held: Iterable[RoomSummary], seen: Mapping[str, int], is_outdated: bool
) -> None:
    rooms.changes, rooms.version = {"": 2, "ann": 3}, 3
    rooms.members["ann"] = replace(OFFICE, version=3)
    await world.sync.sweep()
    assert world.sync.is_outdated("ann", {room.id: room for room in held}, seen) is is_outdated


async def test_a_connection_that_opens_is_compared_with_a_change_of_all_members(world: World, rooms: Rooms) -> None:
    rooms.changes, rooms.version = {"": 2}, 2
    await world.sync.sweep()
    for version, is_outdated in ((1, True), (2, False)):
        assert world.sync.is_outdated("eve", {OFFICE.id: replace(OFFICE, version=version)}, {}) is is_outdated


async def test_a_room_that_the_user_was_just_added_to_is_found(world: World, rooms: Rooms) -> None:
    world.ann.drop_room(OFFICE.id)
    await world.sync.find(world.ann, OFFICE.id)
    assert world.told("ann") == [("room_added", "member")]
    rooms.during_memberships = lambda: pytest.fail("a room that the connection has needs no query")
    await world.sync.find(world.ann, OFFICE.id)


@pytest.mark.parametrize(("room_id", "queries"), [("elsewhere", 1), ("else\0where", 0)])
async def test_a_room_that_the_user_is_not_in_is_not_found(
    world: World, rooms: Rooms, room_id: str, queries: int
) -> None:
    asked: list[None] = []
    rooms.members.clear()
    rooms.during_memberships = lambda: asked.append(None)
    with pytest.raises(NotInRoom):
        await world.sync.find(world.ann, room_id)
    assert len(asked) == queries  # PostgreSQL refuses a text with NUL


async def test_a_membership_is_compared_only_with_a_version_that_is_not_known_yet(world: World, rooms: Rooms) -> None:
    assert await world.sync.is_member(world.ann, OFFICE.id, 1)
    assert world.sync.versions == {}
    rooms.changes, rooms.version = {"ann": 2}, 2
    del rooms.members["ann"]
    assert await world.sync.is_member(world.ann, OFFICE.id, 1)
    assert not await world.sync.is_member(world.ann, OFFICE.id, 2)
    assert world.told("ann") == [("room_removed", "")]
    assert not await world.sync.is_member(world.ann, "elsewhere", 2)


async def test_a_refresh_knows_no_more_than_it_has_read(world: World, rooms: Rooms) -> None:
    rooms.changes, rooms.version = {"": 2}, 2
    await world.sync.refresh(OFFICE.id, 2)
    assert world.sync.versions == {OFFICE.id: 2}
    assert world.told("ann") == [("room_changed", "a topic")]


async def test_a_database_that_is_older_than_the_store_does_not_hand_out_versions_again(
    world: World, rooms: Rooms
) -> None:
    await world.sync.refresh(OFFICE.id, 7)
    assert (rooms.version, world.sync.versions) == (7, {OFFICE.id: 7})


class OneChange(UnchangedRooms):
    """A room that has changed for all members, in a database that does not answer the first query for its facts."""

    def __init__(self) -> None:
        self.asked = 0

    async def room_changes_since(self, since: float) -> Sequence[RoomChange]:
        return [RoomChange(OFFICE.id, "", 2)]

    async def room_facts(self, room_ids: Collection[str]) -> Mapping[str, RoomFacts]:
        self.asked += 1
        if self.asked == 1:
            raise DatabaseUnavailable
        return {}


async def test_a_change_that_could_not_be_applied_is_applied_by_the_next_sweep() -> None:
    rooms = OneChange()
    sync = World(rooms).sync
    with pytest.raises(DatabaseUnavailable):
        await sync.sweep()
    assert sync.versions == {}
    for _ in range(2):
        await sync.sweep()
    assert (sync.versions, rooms.asked) == ({OFFICE.id: 2}, 2)
