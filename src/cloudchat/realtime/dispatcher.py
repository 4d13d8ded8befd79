"""The execution of each command."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

import msgspec

from cloudchat.auth.errors import AccountError
from cloudchat.auth.principal import CHAT_READ, Principal
from cloudchat.broker.broker import Appended, Broker, BrokerUnavailable
from cloudchat.core.timestamps import rfc3339
from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.messages.service import MessageService, room_not_found
from cloudchat.protocol import events
from cloudchat.protocol.commands import AnyCommand, Auth, History, Join, Leave, Ping, Read, Send, Typing
from cloudchat.protocol.errors import Error, ErrorCode, error, unavailable
from cloudchat.realtime.connection import Connection
from cloudchat.realtime.ephemeral.ephemeral_events import EphemeralEvents
from cloudchat.realtime.relay import Spawn
from cloudchat.realtime.replay import RoomJoiner
from cloudchat.realtime.socket_stats import SocketStats

Authenticate = Callable[[str], Awaitable[Principal]]
"""Returns the principal of a token. Raises `AccountError`, `DatabaseUnavailable`."""


class Dispatcher:
    """Executes the commands of all connections (their `ConnectionHandler`); every command is answered.

    `send` and `ping` are executed immediately, without a task. Commands that read are executed one after the other.
    """

    def __init__(
        self,
        broker: Broker,
        joiner: RoomJoiner,
        messages: MessageService,
        authenticate: Authenticate,
        ephemeral: EphemeralEvents,
        stats: SocketStats,
        spawn: Spawn,
    ) -> None:
        self._broker = broker
        self._joiner = joiner
        self._messages = messages
        self._authenticate = authenticate
        self._ephemeral = ephemeral
        self._stats = stats
        self._spawn = spawn

    # -- the connections' handler -------------------------------------------------------------------------------------

    def dispatch(self, connection: Connection, command: AnyCommand) -> None:
        """See `ConnectionHandler`."""
        self._stats.commands[type(command).__name__.lower(), "accepted"] += 1
        match command:
            case Send():
                self._send(connection, command)
            case Ping():
                connection.send(events.Pong(id=command.id, server_time=rfc3339(time.time())))
            case Join():
                if self._may_read(connection, command):
                    connection.enqueue(command.id, partial(self._join, connection, command))
            case History():
                if self._may_read(connection, command):
                    connection.enqueue(command.id, partial(self._history, connection, command))
            case Read():
                if self._may_read(connection, command):
                    connection.enqueue(command.id, partial(self._ephemeral.read, connection, command))
            case Typing():
                self._ephemeral.typing(connection, command)
            case Leave():
                connection.enqueue(command.id, partial(self._leave, connection, command))
            case Auth():
                connection.enqueue(command.id, partial(self._auth, connection, command))

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

    def _send(self, connection: Connection, command: Send) -> None:
        if connection.draining:
            connection.send(unavailable(command.id, "the server restarts"))
            return

        def on_done(outcome: Appended | BrokerUnavailable) -> None:
            if isinstance(outcome, Appended):
                ack = events.Ack(
                    id=command.id,
                    room=command.room,
                    seq=outcome.seq,
                    epoch=outcome.epoch,
                    cid=command.cid,
                    at=outcome.at,
                    duplicate=outcome.duplicate,
                )
                connection.send(ack)
                self._stats.messages_stored += not outcome.duplicate
            else:
                self._stats.commands["send", ErrorCode.UNAVAILABLE] += 1
                message = "the message may not have been stored; send it again with the same cid"
                connection.send(unavailable(command.id, message))
            connection.send_finished()

        connection.pending_sends += 1
        rejection = self._messages.post(connection.principal, connection.rooms, command, time.time(), on_done)
        if rejection is not None:
            connection.pending_sends -= 1
            connection.send(rejection)

    def _may_read(self, connection: Connection, command: Join | History | Read) -> bool:
        if CHAT_READ not in connection.principal.scopes:
            message = "this token may not read; it needs the scope chat:read"
            connection.send(error(ErrorCode.FORBIDDEN, message, id=command.id))
        elif command.room not in connection.rooms:
            connection.send(room_not_found(command.id))
        else:
            return True
        return False

    def _may_read_now(self, connection: Connection, command: Join | History) -> bool:
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
            await self._joiner.join(connection, command)
        except BrokerUnavailable:
            message = "the room's history cannot be read now: this connection is not in the room; join again"
            connection.send(unavailable(command.id, message))

    async def _history(self, connection: Connection, command: History) -> None:
        if not self._may_read_now(connection, command):
            return
        try:
            page = await self._broker.read_before(command.room, command.before, command.limit)
        except BrokerUnavailable:
            connection.send(unavailable(command.id, "the room's history cannot be read now"))
            return
        connection.reads.charge(sum(map(len, page.events)), time.monotonic())
        await connection.socket.wait_writable()
        connection.send(
            events.HistoryPage(
                id=command.id,
                room=command.room,
                epoch=page.epoch,
                events=[msgspec.Raw(event) for event in page.events],
                more=bool(page.events) and page.first > page.oldest,
            )
        )

    async def _leave(self, connection: Connection, command: Leave) -> None:
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
