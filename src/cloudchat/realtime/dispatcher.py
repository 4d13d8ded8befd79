"""The execution of each command."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

import msgspec

from cloudchat.archive.history.reader import HistoryReader
from cloudchat.auth.errors import AccountError
from cloudchat.auth.principal import CHAT_READ, Principal
from cloudchat.broker.broker import (
    AppendCallback,
    Appended,
    AppendOutcome,
    BrokerUnavailable,
    HistoryRange,
    Refused,
)
from cloudchat.core.timestamps import rfc3339
from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.messages.mention_directory import MentionDirectory
from cloudchat.messages.service import MessageService, refusal_error, room_not_found
from cloudchat.protocol import events
from cloudchat.protocol.commands import (
    AnyCommand,
    Auth,
    Delete,
    Edit,
    History,
    Join,
    Leave,
    LoggedCommand,
    Ping,
    React,
    Read,
    Send,
    Typing,
    Unread,
    Who,
)
from cloudchat.protocol.errors import Error, ErrorCode, error, unavailable
from cloudchat.realtime.connection import Connection
from cloudchat.realtime.ephemeral.ephemeral_commands import EphemeralCommands
from cloudchat.realtime.feeds.relay import Spawn
from cloudchat.realtime.feeds.replay import RoomJoiner
from cloudchat.realtime.membership.held_appends import Attempt, HeldAppends, Prepare
from cloudchat.realtime.membership.room_sync import NotInRoom, RoomSync
from cloudchat.realtime.socket_stats import SocketStats
from cloudchat.realtime.unread import UnreadCounter

Authenticate = Callable[[str], Awaitable[Principal]]
"""Returns the principal of a token. Raises `AccountError`, `DatabaseUnavailable`."""


class Dispatcher:
    """Executes the commands of all connections (their `ConnectionHandler`); every command is answered.

    `send`, `edit`, `delete`, `react` and `ping` are executed immediately, without a task. The others are
    executed one after the other in each room.
    """

    def __init__(
        self,
        history: HistoryReader,
        joiner: RoomJoiner,
        messages: MessageService,
        mentions: MentionDirectory,
        rooms: RoomSync,
        authenticate: Authenticate,
        ephemeral: EphemeralCommands,
        unread: UnreadCounter,
        stats: SocketStats,
        spawn: Spawn,
    ) -> None:
        self._reader = history
        self._joiner = joiner
        self._messages = messages
        self._mentions = mentions
        self._rooms = rooms
        self._appends = HeldAppends(rooms.refresh, spawn)
        self._authenticate = authenticate
        self._ephemeral = ephemeral
        self._unread = unread
        self._stats = stats
        self._spawn = spawn

    # -- the connections' handler -------------------------------------------------------------------------------------

    def dispatch(self, connection: Connection, command: AnyCommand) -> None:
        """See `ConnectionHandler`."""
        self._stats.commands[type(command).__name__.lower(), "accepted"] += 1
        match command:
            case Send():
                prepare = partial(self._mentions.preparation, command.room, command.text)
                self._append(connection, command, partial(self._post, connection, command), prepare)
            case Edit():
                prepare = partial(self._mentions.preparation, command.room, command.text)
                self._append(connection, command, partial(self._change, connection, command), prepare)
            case Delete() | React():
                self._append(connection, command, partial(self._change, connection, command))
            case Ping():
                connection.send(events.Pong(id=command.id, server_time=rfc3339(time.time())))
            case Join():
                if self._may_read(connection, command):
                    connection.enqueue(command, partial(self._join, connection, command))
            case History():
                if self._may_read(connection, command):
                    connection.enqueue(command, partial(self._history, connection, command))
            case Read():
                if self._may_read(connection, command):
                    connection.enqueue(command, partial(self._ephemeral.read, connection, command))
            case Who():
                if self._may_read(connection, command):
                    connection.enqueue(command, partial(self._who, connection, command))
            case Unread():
                if self._has_read_scope(connection, command):
                    connection.enqueue(command, partial(self._count_unread, connection, command))
            case Typing():
                self._ephemeral.typing(connection, command)
            case Leave():
                connection.enqueue(command, partial(self._leave, connection, command))
            case Auth():
                connection.enqueue(command, partial(self._auth, connection, command))

    def frame_rejected(self, error: Error) -> None:
        """See `ConnectionHandler`."""
        self._stats.commands["", error.code] += 1

    def connection_closed(self, connection: Connection) -> None:
        """See `ConnectionHandler`."""
        for feed in connection.joined.values():
            self._joiner.leave(connection, feed)
        connection.joined.clear()
        self._stats.closes[connection.socket.close_code] += 1

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> "asyncio.Task[None]":
        """See `ConnectionHandler`."""
        return self._spawn(work, name)

    # -- the commands -------------------------------------------------------------------------------------------------

    def _post(self, connection: Connection, command: Send, on_done: AppendCallback) -> Error | None:
        room = connection.rooms.get(command.room)
        return self._messages.post(connection.principal, room, command, time.time(), on_done)

    def _change(self, connection: Connection, command: Edit | Delete | React, on_done: AppendCallback) -> Error | None:
        room = connection.rooms.get(command.room)
        return self._messages.change(connection.principal, room, command, time.time(), on_done)

    def _append(
        self, connection: Connection, command: LoggedCommand, attempt: Attempt, prepare: Prepare | None = None
    ) -> None:
        if connection.draining:
            connection.send(unavailable(command.id, "the server restarts"))
            return

        def on_done(outcome: AppendOutcome | Error) -> None:
            connection.send(self._reply(command, outcome))
            connection.send_finished()

        connection.pending_sends += 1
        self._appends.submit(command.room, attempt, on_done, prepare)

    def _reply(self, command: LoggedCommand, outcome: AppendOutcome | Error) -> events.Ack | Error:
        if isinstance(outcome, Appended):
            self._stats.messages_stored += isinstance(command, Send) and not outcome.duplicate
            return events.Ack(
                id=command.id,
                room=command.room,
                seq=outcome.seq,
                epoch=outcome.epoch,
                cid=command.cid,
                at=outcome.at,
                duplicate=outcome.duplicate,
            )
        if isinstance(outcome, Error):
            problem = outcome
        elif isinstance(outcome, Refused):
            problem = refusal_error(outcome, command.id)
        else:
            message = "the message may not have been stored; send it again with the same cid"
            problem = unavailable(command.id, message)
        self._stats.commands[type(command).__name__.lower(), problem.code] += 1
        return problem

    def _may_read(self, connection: Connection, command: Join | History | Read | Who) -> bool:
        if not self._has_read_scope(connection, command):
            return False
        if command.room not in connection.rooms and not isinstance(command, Join):  # a join asks the database
            connection.send(room_not_found(command.id))
            return False
        return True

    def _has_read_scope(self, connection: Connection, command: Join | History | Read | Who | Unread) -> bool:
        if CHAT_READ in connection.principal.scopes:
            return True
        message = "this token may not read; it needs the scope chat:read"
        connection.send(error(ErrorCode.FORBIDDEN, message, id=command.id))
        return False

    def _may_read_now(self, connection: Connection, command: Join | History | Who | Unread) -> bool:
        """Charge the user's budget of reads for a command, or reject it. Runs when the commands before it are done."""
        wait_ms = connection.reads.start(time.monotonic())
        if not wait_ms:
            return True
        self._stats.commands[type(command).__name__.lower(), ErrorCode.RATE_LIMITED] += 1
        message = "you have read too much in a short time; wait a little"
        connection.send(error(ErrorCode.RATE_LIMITED, message, id=command.id, retry_after_ms=wait_ms))
        return False

    async def _join(self, connection: Connection, command: Join) -> None:
        if not self._may_read_now(connection, command):
            return
        try:
            await self._rooms.find(connection, command.room)
            await self._joiner.join(connection, command)
        except NotInRoom:
            connection.send(room_not_found(command.id))
        except (BrokerUnavailable, DatabaseUnavailable):
            message = "the room's history cannot be read now: this connection is not in the room; join again"
            connection.send(unavailable(command.id, message))

    async def _history(self, connection: Connection, command: History) -> None:
        # One page at a time, although commands of several rooms run at the same time: what it costs is known only
        # when it has been read, and the send buffer has room for one.
        async with connection.replay_turn:
            if self._may_read_now(connection, command):
                await self._send_history(connection, command)

    async def _send_history(self, connection: Connection, command: History) -> None:
        try:
            page = await self._reader.read(command.room, _range_of(command))
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
            events.HistoryPage(
                id=command.id,
                room=command.room,
                epoch=page.epoch,
                as_of=page.as_of,
                events=[msgspec.Raw(row) for row in page.rows],
                more_before=page.more_before,
                more_after=page.more_after,
            )
        )

    async def _count_unread(self, connection: Connection, command: Unread) -> None:
        if not self._may_read_now(connection, command):
            return
        try:
            counts = await self._unread.count(connection)
        except (BrokerUnavailable, DatabaseUnavailable):
            connection.send(unavailable(command.id, "the unread messages cannot be counted now"))
            return
        connection.send(events.UnreadCounts(id=command.id, rooms=counts))

    async def _who(self, connection: Connection, command: Who) -> None:
        if self._may_read_now(connection, command):
            await self._ephemeral.who(connection, command)

    async def _leave(self, connection: Connection, command: Leave) -> None:
        if command.room not in connection.rooms:
            connection.send(room_not_found(command.id))
            return
        feed = connection.joined.pop(command.room, None)
        if feed is not None:
            self._joiner.leave(connection, feed)
        connection.send(events.Left(id=command.id, room=command.room))

    async def _auth(self, connection: Connection, command: Auth) -> None:
        try:
            principal = await self._authenticate(command.token)
        except DatabaseUnavailable:
            message = "the token cannot be checked now; the socket keeps its current token"
            connection.send(unavailable(command.id, message))
            return
        except AccountError:
            message = "the token is not valid; the socket keeps its current token"
        else:
            if principal.user_id != connection.principal.user_id:
                message = "the token belongs to another user"
            elif CHAT_READ not in principal.scopes:  # such a token cannot open a socket either
                message = "this token may not read; it needs the scope chat:read"
            else:
                connection.renew_token(principal)
                expires_at = rfc3339(principal.expires_at)
                connection.send(events.Authenticated(id=command.id, token_expires_at=expires_at))
                return
        connection.send(error(ErrorCode.FORBIDDEN, message, id=command.id, field="token"))


def _range_of(command: History) -> HistoryRange:
    if command.before is not None:
        return HistoryRange.before_seq(command.before, command.limit)
    if command.after is not None:
        return HistoryRange.after_seq(command.after, command.limit)
    assert command.around is not None  # noqa: S101 — the command has exactly one of the three
    return HistoryRange.around_seq(command.around, command.limit)
