"""`/ws`: authenticates, accepts, says welcome, and hands the socket to a `Connection`."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from starlette.types import Receive, Scope, Send

from cloudchat.auth.errors import AccountDisabled, BadToken
from cloudchat.auth.principal import CHAT_READ, Principal
from cloudchat.broker.broker import BrokerUnavailable
from cloudchat.core.client_network import client_network
from cloudchat.core.ids import new_id
from cloudchat.core.stream_position import StreamPosition
from cloudchat.core.timestamps import rfc3339
from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.protocol import events
from cloudchat.protocol.close_codes import CloseCode
from cloudchat.rate_limiting.cluster_connection_limit import ClusterConnectionLimit
from cloudchat.rate_limiting.connection_rate import ConnectionRateLimit
from cloudchat.realtime.connection import Connection
from cloudchat.realtime.connection_registry import ConnectionRegistry
from cloudchat.realtime.dispatcher import Dispatcher
from cloudchat.realtime.door import Door
from cloudchat.realtime.handshake import SUBPROTOCOL, Credential, HandshakeRejection, check_origin, credential_of
from cloudchat.realtime.relay import Spawn
from cloudchat.realtime.socket_session import SocketSession
from cloudchat.realtime.socket_stats import SocketStats
from cloudchat.realtime.websocket_protocol import EXTENSION, WebSocketProtocol
from cloudchat.rooms.service import RoomSummary

logger = logging.getLogger(__name__)

FULL = HandshakeRejection(503, "unavailable", "this server has no room for another socket; try again")
TOO_MANY = HandshakeRejection(429, "rate_limited", "too many sockets from this address; close one first")
STORE_AWAY = HandshakeRejection(503, "unavailable", "the message store cannot be reached; try again")
DATABASE_AWAY = HandshakeRejection(503, "unavailable", "the database cannot be reached; try again")
SOCKET_DISABLED = HandshakeRejection(403, "forbidden", "this account or token may not chat")

Admit = Callable[[str], Awaitable[tuple[Principal, list[RoomSummary]]]]
"""Checks a token and loads the user's rooms. Raises `BadToken`, `AccountDisabled`, `DatabaseUnavailable`."""
HeadOf = Callable[[str], Awaitable[StreamPosition]]


class SocketEndpoint:
    """The ASGI application behind `/ws`."""

    def __init__(
        self,
        admit: Admit,
        head_of: HeadOf,
        dispatcher: Dispatcher,
        roster: ConnectionRegistry,
        connects: ConnectionRateLimit,
        census: ClusterConnectionLimit,
        traffic: SocketStats,
        spawn: Spawn,
        *,
        origins: Callable[[], frozenset[str]],
        limits: events.Limits,
        heartbeat_seconds: int | float,
        outbox_bytes: int,
    ) -> None:
        self._admit = admit
        self._head_of = head_of
        self._dispatcher = dispatcher
        self._roster = roster
        self._connects = connects
        self._census = census
        self._traffic = traffic
        self._door = Door(traffic)
        self._spawn = spawn
        self._origins = origins
        self._limits = limits
        self._heartbeat_seconds = heartbeat_seconds
        self._outbox_bytes = outbox_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification, and PROTOCOL.md's opening."""
        socket: WebSocketProtocol = scope["extensions"][EXTENSION]
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        credential = credential_of(headers, scope["subprotocols"])
        refusal = credential if isinstance(credential, HandshakeRejection) else check_origin(headers, self._origins())
        client = (scope["client"] or ("local",))[0]
        network = client_network(client)
        if refusal is None:
            refusal = _too_often(await self._connects.wait_for_address(network))
        if refusal is None and not self._roster.reserve(network):
            refusal = FULL if self._roster.full else TOO_MANY
        if refusal is not None:
            await self._door.refuse(send, refusal, client)
            return
        opened = False
        try:
            opened = await self._authenticate_and_open(send, socket, credential, client, network)
        finally:
            if not opened:
                self._roster.release(network)

    async def _authenticate_and_open(
        self,
        send: Send,
        socket: WebSocketProtocol,
        credential: Credential | HandshakeRejection,
        client: str,
        network: str,
    ) -> bool:
        assert isinstance(credential, Credential)  # noqa: S101 (for the type checker: a HandshakeRejection has been sent)
        try:
            principal, rooms = await self._admit(credential.token)
            refusal = _too_often(await self._connects.wait_for_user(principal.user_id))
            if refusal is not None:
                await self._door.refuse(send, refusal, client, principal.user_id)
                return False
            if CHAT_READ not in principal.scopes:
                raise AccountDisabled("no scope for chat")  # noqa: TRY301 (the one way to turn somebody away)
            heads = await asyncio.gather(*(self._head_of(room.id) for room in rooms))
        except BadToken:
            refusal = HandshakeRejection(401, "unauthenticated", "the token is not valid: sign in, or refresh it")
            await self._door.turn_away(send, credential, refusal, CloseCode.TOKEN_INVALID, client)
        except AccountDisabled:
            await self._door.turn_away(send, credential, SOCKET_DISABLED, CloseCode.ACCOUNT_DISABLED, client)
        except BrokerUnavailable:
            await self._door.refuse(send, STORE_AWAY, client)
        except DatabaseUnavailable:
            await self._door.refuse(send, DATABASE_AWAY, client)
        else:
            number = await self._census.acquire(principal.user_id, network)
            if number is None:
                await self._door.refuse(send, TOO_MANY, client, principal.user_id)
                return False
            try:
                await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
            except BaseException:
                self._census.release(number)
                raise
            self._open(socket, principal, rooms, heads, client, network, number)
            return True
        return False

    def _open(
        self,
        socket: WebSocketProtocol,
        principal: Principal,
        rooms: list[RoomSummary],
        heads: list[StreamPosition],
        client: str,
        network: str,
        number: int,
    ) -> None:
        def ended(connection: Connection) -> None:
            self._roster.leave(connection, number)
            self._census.release(number)
            self._roster.release(network)
            self._traffic.closes[socket.closed_with] += 1
            logger.debug("socket closed connection=%s code=%d", connection.id, socket.closed_with)

        now = time.monotonic()
        socket.outbox_bytes = self._outbox_bytes
        socket.dropped = self._traffic.dropped
        self._traffic.connects["accepted"] += 1
        connection = Connection(
            socket,
            new_id(),
            principal,
            {room.id: room for room in rooms},
            SocketSession(self._limits, self._roster.sends_of(principal.user_id, now), now),
            dispatch=self._dispatcher.dispatch,
            refused=self._dispatcher.refused,
            forget=self._dispatcher.forget,
            ended=ended,
            spawn=self._spawn,
        )
        named = connection.id, principal.user_id, principal.session_id, client
        logger.debug("socket opened connection=%s user=%s session=%s address=%s", *named)
        oldest = self._roster.enter(connection, number)
        if oldest is not None:
            oldest.socket.close(CloseCode.REPLACED)
        connection.send(self._welcome(connection.id, principal, rooms, heads))
        socket.attach(connection)

    def _welcome(
        self, connection: str, principal: Principal, rooms: list[RoomSummary], heads: list[StreamPosition]
    ) -> events.Welcome:
        return events.Welcome(
            session=connection,
            user=events.User(id=principal.user_id, name=principal.name, role=principal.role),
            server_time=rfc3339(time.time()),
            token_expires_at=rfc3339(principal.expires_at),
            heartbeat_seconds=self._heartbeat_seconds,
            limits=self._limits,
            rooms=[
                events.RoomState(
                    id=room.id, name=room.name, kind=room.kind, epoch=head.epoch, seq=head.seq, read=room.read
                )
                for room, head in zip(rooms, heads, strict=True)
            ],
        )


def _too_often(seconds: int) -> HandshakeRejection | None:
    """What a limit of connects says to somebody who must wait so long; None for 0."""
    message = "too many sockets opened in a short time; wait a little"
    return HandshakeRejection(429, "rate_limited", message, retry_after_seconds=seconds) if seconds else None
