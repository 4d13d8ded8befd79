"""`/ws`: authenticates and admits a handshake, sends `welcome`, and hands the socket to a `Connection`.

Each limit is checked before the more expensive step behind it; nothing is read from the database or the store for a
client network that has reached a limit.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping

from starlette.types import Receive, Scope, Send

from cloudchat.auth.errors import AccountDisabled, BadToken
from cloudchat.auth.principal import CHAT_READ, Principal
from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.core.client_network import client_network
from cloudchat.core.stream_position import StreamPosition
from cloudchat.core.timestamps import rfc3339
from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.protocol import events
from cloudchat.protocol.close_codes import CloseCode
from cloudchat.protocol.errors import ErrorCode
from cloudchat.protocol.framing import text_frame
from cloudchat.realtime.command_gate import CommandGate
from cloudchat.realtime.connection import Connection, ConnectionHandler
from cloudchat.realtime.feeds.relay import Relay
from cloudchat.realtime.membership.room_state import room_state
from cloudchat.realtime.membership.room_sync import RoomSync
from cloudchat.realtime.opening.admission import Admission, AdmissionControl
from cloudchat.realtime.opening.handshake import (
    SUBPROTOCOL,
    Credential,
    HandshakeRejection,
    HandshakeResponder,
    check_origin,
    client_address,
    credential_of,
)
from cloudchat.realtime.opening.handshake_queue import HandshakeQueue
from cloudchat.realtime.opening.session_directory import ChatSession, SessionDirectory
from cloudchat.realtime.socket_stats import SocketStats
from cloudchat.realtime.transport.socket_handshake import EXTENSION
from cloudchat.realtime.transport.websocket_protocol import WebSocketProtocol
from cloudchat.realtime.user_allowance import AUTHS_PER_SECOND
from cloudchat.rooms.summaries.summary import RoomSummary
from cloudchat.settings import Settings

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 9.0
"""Then a handshake is rejected, because the disk or the database hangs. Less than the time in which a handshake must be
complete, and more than the queue's.
"""
_READ_HEADERS = (b"authorization", b"origin")


class SocketEndpoint:
    """The ASGI application behind `/ws`."""

    def __init__(
        self,
        settings: Settings,
        sessions: SessionDirectory,
        admissions: AdmissionControl,
        relay: Relay,
        room_sync: RoomSync,
        handler: ConnectionHandler,
        stats: SocketStats,
    ) -> None:
        self._settings = settings
        self._origins = settings.origins
        self._sessions = sessions
        self._admissions = admissions
        self._relay = relay
        self._room_sync = room_sync
        self._handler = handler
        self._stats = stats
        self._responder = HandshakeResponder(stats)
        self._queue = HandshakeQueue()
        self._limits = events.Limits(sends_per_10s=settings.sends_per_10s)
        # A client renews its token at the latest at half of its lifetime.
        self._auths_per_second = max(AUTHS_PER_SECOND, 4 / settings.access_token_seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification, and the handshake in the protocol's document."""
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in _READ_HEADERS}
        client = client_address(scope)
        credential: Credential | None = None
        try:
            credential = credential_of(headers, scope["subprotocols"])
            check_origin(headers, self._origins)
            socket: WebSocketProtocol = scope["extensions"][EXTENSION]
            await self._open_in_time(socket, credential, client)
        except HandshakeRejection as rejection:
            await self._responder.reject(send, rejection, client, credential)

    async def _open_in_time(self, socket: WebSocketProtocol, credential: Credential, client: str) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._queue:
                if not socket.disconnected:  # it may have left while it waited
                    await self._open(socket, credential, client)
        except TimeoutError:
            message = "the server cannot read its data at this moment; try again"
            raise HandshakeRejection(ErrorCode.UNAVAILABLE, message) from None

    async def _open(self, socket: WebSocketProtocol, credential: Credential, client: str) -> None:
        known = self._sessions.cached(credential.token)
        async with self._admissions.admit(client_network(client)) as admission:
            if known is not None:
                await admission.acquire(known.principal.user_id)
            else:
                with self._sessions.announced():
                    await admission.count_address()
            session = await self._session_of(credential.token)
            principal, rooms = session.principal, session.rooms
            if known is None:
                await admission.acquire(principal.user_id)
            if CHAT_READ not in principal.scopes:
                raise _may_not_chat()
            heads = await self._heads_of(rooms)
            seen: Mapping[str, int] = {}
            while self._room_sync.is_outdated(principal.user_id, rooms, seen):
                seen = self._room_sync.changes_of(principal.user_id)
                self._sessions.forget_user(principal.user_id)
                session = await self._session_of(credential.token)
                principal, rooms = session.principal, session.rooms
                heads = await self._heads_of(rooms)
            # No `await` from here on.
            if socket.disconnected:
                return
            connection = self._connect(socket, principal, rooms, admission)
            fields = connection.id, principal.user_id, principal.session_id, client
            logger.debug("socket opened connection=%s user=%s session=%s address=%s", *fields)
            admission.register(connection)
            if self._room_sync.is_outdated(principal.user_id, connection.rooms, seen):
                socket.accept(SUBPROTOCOL)
                socket.attach(connection)
                admission.hand_over()
                socket.close(CloseCode.SERVICE_RESTART)  # rare: the client comes back at once, and learns of the change
                return
            welcome = self._welcome(connection, heads, admission.reconnect_window_ms)
            socket.accept(SUBPROTOCOL, text_frame(events.encode(welcome)))
            admission.hand_over()
            socket.attach(connection)

    async def _session_of(self, token: str) -> ChatSession:
        try:
            return await self._sessions.find(token)
        except BadToken:
            message = "the token is not valid: sign in, or refresh it"
            raise HandshakeRejection(ErrorCode.UNAUTHENTICATED, message, close_code=CloseCode.TOKEN_INVALID) from None
        except AccountDisabled:
            raise _may_not_chat() from None
        except DatabaseUnavailable:
            message = "the database cannot be reached; try again"
            raise HandshakeRejection(ErrorCode.UNAVAILABLE, message) from None

    async def _heads_of(self, rooms: Iterable[str]) -> Mapping[str, StreamPosition]:
        try:
            return await self._relay.heads_of(rooms)
        except BrokerUnavailable:
            message = "the message store cannot be reached; try again"
            raise HandshakeRejection(ErrorCode.UNAVAILABLE, message) from None

    def _connect(
        self, socket: WebSocketProtocol, principal: Principal, rooms: Mapping[str, RoomSummary], admission: Admission
    ) -> Connection:
        now = time.monotonic()
        socket.send_buffer_bytes = self._settings.send_buffer_bytes
        socket.frames_dropped = self._stats.frames_dropped
        self._stats.handshakes["accepted"] += 1
        allowance = admission.allowance(principal.user_id, now)
        gate = CommandGate(self._limits, allowance, now, auths_per_second=self._auths_per_second)
        return Connection(socket, principal, rooms, gate, admission, self._handler)

    def _welcome(
        self, connection: Connection, heads: Mapping[str, StreamPosition], reconnect_within_ms: int
    ) -> events.Welcome:
        user = connection.principal
        return events.Welcome(
            connection_id=connection.id,
            user=events.User(id=user.user_id, name=user.name, role=user.role),
            server_time=rfc3339(time.time()),
            token_expires_at=rfc3339(user.expires_at),
            heartbeat_seconds=self._settings.heartbeat_seconds,
            reconnect_within_ms=reconnect_within_ms,
            limits=self._limits,
            rooms=[room_state(room, heads[room.id]) for room in connection.rooms.values()],
        )


def _may_not_chat() -> HandshakeRejection:
    message = "this account or token may not chat"
    return HandshakeRejection(ErrorCode.FORBIDDEN, message, close_code=CloseCode.ACCOUNT_DISABLED)
