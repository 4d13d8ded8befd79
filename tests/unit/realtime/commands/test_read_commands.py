"""A read that meets a newer version of the room compares the membership before it answers."""

from collections.abc import Mapping, Sequence
from typing import cast

import pytest

from cloudchat.archive.history.reader import HistoryReader
from cloudchat.archive.unread.repository import ArchivedUnread, UnreadRange
from cloudchat.broker.broker import Broker
from cloudchat.broker.reads import HistoryRange, HistoryRows, Unread, UnreadQuery
from cloudchat.core.stream_position import StreamPosition
from cloudchat.protocol import commands
from cloudchat.realtime.commands.read_commands import ReadCommands
from cloudchat.realtime.commands.unread import UnreadCounter
from cloudchat.realtime.connection import Connection
from cloudchat.realtime.feeds.replay import RoomJoiner
from cloudchat.realtime.membership.room_sync import RoomSync
from cloudchat.realtime.socket_stats import SocketStats
from cloudchat.rooms.summaries.summary import RoomSummary
from unit.realtime.fakes import FakeSocket, connection_of

pytestmark = pytest.mark.anyio

ROOM, OTHER = RoomSummary("room", "room", "private"), RoomSummary("other", "other", "private")
REMOVED_AT = 2
"""The version of `ROOM` in which the user is not in it any more. This process does not know it yet."""


class World:
    """What the commands ask for. `version` is that of the room in the store."""

    def __init__(self, version: int) -> None:
        self.version = version
        self.socket = FakeSocket()
        self.connection = connection_of("ann", self.socket, [ROOM, OTHER])
        rooms = cast(RoomSync, self)
        unread = UnreadCounter(cast(Broker, self), self, rooms)
        self.commands = ReadCommands(cast(HistoryReader, self), cast(RoomJoiner, None), rooms, unread, SocketStats())

    async def is_member(self, connection: Connection, room_id: str, version: int) -> bool:
        if room_id == ROOM.id and version >= REMOVED_AT:
            connection.drop_room(room_id)
        return room_id in connection.rooms

    async def read(self, room: str, wanted: HistoryRange) -> HistoryRows:
        return HistoryRows("e1", 5, 1, self.version, [b'{"text":"a secret"}'], more_before=False, more_after=False)

    async def heads(self, rooms: Sequence[str]) -> list[StreamPosition]:
        return [StreamPosition("e1", 5) for _ in rooms]

    async def unread(self, user: str, queries: Sequence[UnreadQuery]) -> list[Unread]:
        return [Unread(3, 0, 100, self.version, 0, 1) for _ in queries]

    async def read_positions_of(self, user_id: str) -> Mapping[str, StreamPosition]:
        return {}

    async def archived_unread(self, user_id: str, ranges: Sequence[UnreadRange]) -> Mapping[str, ArchivedUnread]:
        return {}


@pytest.mark.parametrize(("version", "reply"), [(1, "history"), (REMOVED_AT, "error")])
async def test_history_is_not_found_after_a_removal_that_this_process_does_not_know(version: int, reply: str) -> None:
    world = World(version)
    await world.commands.history(world.connection, commands.History(id="c", room=ROOM.id, after=0))
    [sent] = world.socket.events
    assert (sent["type"], sent.get("code")) == (reply, "not_found" if reply == "error" else None)


@pytest.mark.parametrize(("version", "rooms"), [(1, ["room", "other"]), (REMOVED_AT, ["other"])])
async def test_unread_counts_leave_out_a_room_that_the_user_was_removed_from(version: int, rooms: list[str]) -> None:
    world = World(version)
    await world.commands.unread(world.connection, commands.Unread(id="c"))
    [sent] = world.socket.events
    assert [(room["room"], room["unread"]) for room in sent["rooms"]] == [(room, 3) for room in rooms]
