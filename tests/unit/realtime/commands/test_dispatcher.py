"""Which commands a token or a user without rights is refused, before anything is read."""

from typing import cast

import pytest
from msgspec.structs import replace

from cloudchat.archive.history.reader import HistoryReader
from cloudchat.protocol.commands import AnyCommand, History, Join, Read, Unread, Who
from cloudchat.realtime.commands.dispatcher import Dispatcher
from cloudchat.realtime.commands.logged_commands import LoggedCommands
from cloudchat.realtime.commands.read_commands import ReadCommands
from cloudchat.realtime.commands.token_renewal import TokenRenewal
from cloudchat.realtime.commands.unread import UnreadCounter
from cloudchat.realtime.ephemeral.ephemeral_commands import EphemeralCommands
from cloudchat.realtime.feeds.relay import Spawn
from cloudchat.realtime.feeds.replay import RoomJoiner
from cloudchat.realtime.membership.room_sync import RoomSync
from cloudchat.realtime.socket_stats import SocketStats
from cloudchat.rooms.summaries.summary import RoomSummary
from unit.realtime.fakes import FakeSocket, connection_of

pytestmark = pytest.mark.anyio

ROOM = RoomSummary("room", "room", "private")
READS: list[AnyCommand] = [
    Join(id="c", room=ROOM.id),
    History(id="c", room=ROOM.id, after=0),
    Unread(id="c"),
    Read(id="c", room=ROOM.id, seq=1),
    Who(id="c", room=ROOM.id),
]


def reply_to(command: AnyCommand, rooms: list[RoomSummary], scopes: frozenset[str]) -> tuple[str, str]:
    """Return id and code of the error that a command is answered with, without any of the parts that execute it."""
    socket, stats = FakeSocket(), SocketStats()
    nothing_else = cast(HistoryReader, None), cast(RoomJoiner, None), cast(RoomSync, None), cast(UnreadCounter, None)
    dispatcher = Dispatcher(
        cast(LoggedCommands, None),
        ReadCommands(*nothing_else, stats),
        cast(EphemeralCommands, None),
        cast(TokenRenewal, None),
        stats,
        cast(Spawn, None),
    )
    connection = connection_of("ann", socket, rooms)
    connection.principal = replace(connection.principal, scopes=scopes)
    dispatcher.dispatch(connection, command)
    [reply] = socket.events
    return reply["id"], reply["code"]


@pytest.mark.parametrize("command", READS, ids=lambda command: type(command).__name__)
async def test_each_read_needs_the_scope(command: AnyCommand) -> None:
    assert reply_to(command, [ROOM], frozenset({"chat:write"})) == ("c", "forbidden")


@pytest.mark.parametrize("command", [READS[1], *READS[3:]], ids=lambda command: type(command).__name__)
async def test_each_read_of_a_room_needs_the_membership(command: AnyCommand) -> None:
    assert reply_to(command, [], frozenset({"chat:read"})) == ("c", "not_found")
