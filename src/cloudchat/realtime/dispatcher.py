"""What each command does."""

import time
from collections.abc import Awaitable, Callable
from functools import partial

import msgspec

from cloudchat.auth.errors import AccountError
from cloudchat.auth.principal import CHAT_READ, Principal
from cloudchat.broker.broker import Appended, Broker, BrokerUnavailable
from cloudchat.core.timestamps import rfc3339
from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.messages.service import MessageService
from cloudchat.protocol import events
from cloudchat.protocol.commands import AnyCommand, Auth, History, Join, Leave, Ping, Send
from cloudchat.protocol.errors import Error, ErrorCode, error
from cloudchat.realtime.connection import Connection
from cloudchat.realtime.hub import Hub
from cloudchat.realtime.relay import Relay
from cloudchat.realtime.replay import join
from cloudchat.realtime.room_feed import RoomFeed
from cloudchat.realtime.socket_stats import SocketStats

Authenticate = Callable[[str], Awaitable[Principal]]
Work = Callable[[], Awaitable[None]]
RETRY_UNAVAILABLE_MS = 500


class Dispatcher:
    """Answers commands of any connection. `send` and `ping` are answered without a task; what reads, in turn."""

    def __init__(
        self,
        broker: Broker,
        relay: Relay,
        hub: Hub,
        messages: MessageService,
        authenticate: Authenticate,
        traffic: SocketStats,
    ) -> None:
        self._broker = broker
        self._relay = relay
        self._hub = hub
        self._messages = messages
        self._authenticate = authenticate
        self._traffic = traffic

    def dispatch(self, connection: Connection, command: AnyCommand) -> None:
        """Do what `command` says; every outcome is answered."""
        self._traffic.commands[type(command).__name__.lower(), "accepted"] += 1
        match command:
            case Send():
                self._send(connection, command)
            case Ping():
                connection.send(events.Pong(id=command.id, server_time=rfc3339(time.time())))
            case Join():
                if self._may_read(connection, command):
                    work = partial(join, connection, command, broker=self._broker, relay=self._relay, hub=self._hub)
                    connection.enqueue(command.id, partial(self._or_unavailable, connection, command, work))
            case History():
                if self._may_read(connection, command):
                    work = partial(self._history, connection, command)
                    connection.enqueue(command.id, partial(self._or_unavailable, connection, command, work))
            case Leave():
                connection.enqueue(command.id, partial(self._leave, connection, command))
            case Auth():
                connection.enqueue(command.id, partial(self._auth, connection, command))

    def refused(self, problem: Error) -> None:
        """A frame was refused before it was a command."""
        self._traffic.commands["", problem.code] += 1

    def forget(self, connection: Connection, feed: RoomFeed) -> None:
        """A connection that joined a room is gone from it."""
        self._hub.remove(feed.room, connection.socket)
        self._relay.close(feed)

    def _send(self, connection: Connection, command: Send) -> None:
        if not connection.accepts_sends:
            connection.send(_unavailable(command.id, "the server restarts"))
            return

        def done(outcome: Appended | BrokerUnavailable) -> None:
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
                self._traffic.sends += not outcome.duplicate
            else:
                self._traffic.commands["send", "unavailable"] += 1
                connection.send(_unavailable(command.id, "not stored for certain: send it again with the same cid"))
            connection.answered()

        connection.unanswered += 1
        refusal = self._messages.post(connection.principal, connection.rooms, command, time.time(), done)
        if refusal is not None:
            connection.unanswered -= 1
            connection.send(refusal)

    def _may_read(self, connection: Connection, command: Join | History) -> bool:
        if CHAT_READ not in connection.principal.scopes:
            connection.send(error(ErrorCode.FORBIDDEN, "this token may not read (scope chat:read)", id=command.id))
        elif command.room not in connection.rooms:
            connection.send(error(ErrorCode.NOT_FOUND, "you are in no room of that name", id=command.id, field="room"))
        else:
            return True
        return False

    async def _or_unavailable(self, connection: Connection, command: AnyCommand, work: Work) -> None:
        try:
            await work()
        except BrokerUnavailable:
            connection.send(_unavailable(command.id, "the history cannot be read now"))

    async def _history(self, connection: Connection, command: History) -> None:
        page = await self._broker.read_before(command.room, command.before, command.limit)
        await connection.socket.writable_again()
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
            self.forget(connection, feed)
        connection.send(events.Left(id=command.id, room=command.room))

    async def _auth(self, connection: Connection, command: Auth) -> None:
        try:
            principal = await self._authenticate(command.token)
        except DatabaseUnavailable:
            connection.send(_unavailable(command.id, "the token cannot be checked now, the socket keeps its own"))
            return
        except AccountError:
            refusal = "the token is not valid; the socket keeps the one it has"
        else:
            if principal.user_id != connection.principal.user_id:
                refusal = "the token is another user's"
            elif CHAT_READ not in principal.scopes:  # it would open no socket either
                refusal = "this token may not read (scope chat:read)"
            else:
                connection.token_renewed(principal)
                expires_at = rfc3339(principal.expires_at)
                connection.send(events.Authenticated(id=command.id, token_expires_at=expires_at))
                return
        connection.send(error(ErrorCode.FORBIDDEN, refusal, id=command.id, field="token"))


def _unavailable(id: str | None, message: str) -> events.Error:
    return error(ErrorCode.UNAVAILABLE, message, id=id, retry_after_ms=RETRY_UNAVAILABLE_MS)
