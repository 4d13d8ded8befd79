"""The commands that read: `join`, `leave`, `history`, `unread`, and the permission and budget of all reads."""

import time

import msgspec

from cloudchat.archive.history.reader import HistoryReader
from cloudchat.auth.principal import CHAT_READ
from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.broker.reads import HistoryRange
from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.messages.service import room_not_found
from cloudchat.protocol import replies
from cloudchat.protocol.commands import History, Join, Leave, Read, Unread, Who
from cloudchat.protocol.errors import ErrorCode, error, unavailable
from cloudchat.realtime.commands.unread import UnreadCounter
from cloudchat.realtime.connection import Connection
from cloudchat.realtime.feeds.replay import RoomJoiner
from cloudchat.realtime.membership.room_sync import NotInRoom, RoomSync
from cloudchat.realtime.socket_stats import SocketStats


class ReadCommands:
    """Executes them one after the other in each room, each in its turn of the connection's queue."""

    def __init__(
        self, history: HistoryReader, joiner: RoomJoiner, rooms: RoomSync, unread: UnreadCounter, stats: SocketStats
    ) -> None:
        self._history = history
        self._joiner = joiner
        self._rooms = rooms
        self._unread = unread
        self._stats = stats

    def may_read(self, connection: Connection, command: Join | History | Read | Who | Unread) -> bool:
        """Check the scope of the token and the membership, or reject the command."""
        if CHAT_READ not in connection.principal.scopes:
            message = "this token may not read; it needs the scope chat:read"
            connection.send(error(ErrorCode.FORBIDDEN, message, id=command.id))
            return False
        # A join asks the database itself.
        if not isinstance(command, Join | Unread) and command.room not in connection.rooms:
            connection.send(room_not_found(command.id))
            return False
        return True

    def within_budget(self, connection: Connection, command: Join | History | Who | Unread) -> bool:
        """Check the user's budget of reads, or reject the command. For the moment when the commands before it are done.

        What a read has cost is charged afterwards.
        """
        wait_ms = connection.reads.start(time.monotonic())
        if not wait_ms:
            return True
        self._stats.command_rejected(command, ErrorCode.RATE_LIMITED)
        message = "you have read too much in a short time; wait a little"
        connection.send(error(ErrorCode.RATE_LIMITED, message, id=command.id, retry_after_ms=wait_ms))
        return False

    async def join(self, connection: Connection, command: Join) -> None:
        """Join a room, with a replay of what the client has missed."""
        if not self.within_budget(connection, command):
            return
        try:
            await self._rooms.find(connection, command.room)
            await self._joiner.join(connection, command)
        except NotInRoom:
            connection.send(room_not_found(command.id))
        except (BrokerUnavailable, DatabaseUnavailable):
            message = "the room's history cannot be read now: this connection is not in the room; join again"
            connection.send(unavailable(command.id, message))

    async def leave(self, connection: Connection, command: Leave) -> None:
        """Stop the events of a room. The user stays a member of it."""
        if command.room not in connection.rooms:
            connection.send(room_not_found(command.id))
            return
        feed = connection.joined.pop(command.room, None)
        if feed is not None:
            self._joiner.leave(connection, feed)
        connection.send(replies.Left(id=command.id, room=command.room))

    def leave_all(self, connection: Connection) -> None:
        """Leave all rooms of a connection that has ended."""
        for feed in connection.joined.values():
            self._joiner.leave(connection, feed)
        connection.joined.clear()

    async def history(self, connection: Connection, command: History) -> None:
        """Answer a page of history."""
        # One page at a time, although commands of several rooms run at the same time: what it costs is known only
        # when it has been read, and the send buffer has room for one.
        async with connection.replay_turn:
            if self.within_budget(connection, command):
                await self._send_page(connection, command)

    async def unread(self, connection: Connection, command: Unread) -> None:
        """Answer how many messages of each room are unread."""
        if not self.within_budget(connection, command):
            return
        try:
            counts = await self._unread.count(connection)
        except (BrokerUnavailable, DatabaseUnavailable):
            connection.send(unavailable(command.id, "the unread messages cannot be counted now"))
            return
        connection.send(replies.UnreadCounts(id=command.id, rooms=counts))

    async def _send_page(self, connection: Connection, command: History) -> None:
        try:
            page = await self._history.read(command.room, _range_of(command))
            is_member = await self._rooms.is_member(connection, command.room, page.version)
        except (BrokerUnavailable, DatabaseUnavailable):
            connection.send(unavailable(command.id, "the room's history cannot be read now"))
            return
        connection.reads.charge(sum(map(len, page.rows)), time.monotonic())
        await connection.socket.wait_writable()
        if not is_member or command.room not in connection.rooms:
            connection.send(room_not_found(command.id))
            return
        connection.send(
            replies.HistoryPage(
                id=command.id,
                room=command.room,
                epoch=page.epoch,
                as_of=page.as_of,
                events=[msgspec.Raw(row) for row in page.rows],
                more_before=page.more_before,
                more_after=page.more_after,
            )
        )


def _range_of(command: History) -> HistoryRange:
    if command.before is not None:
        return HistoryRange.before_seq(command.before, command.limit)
    if command.after is not None:
        return HistoryRange.after_seq(command.after, command.limit)
    assert command.around is not None  # noqa: S101 — the command has exactly one of the three
    return HistoryRange.around_seq(command.around, command.limit)
