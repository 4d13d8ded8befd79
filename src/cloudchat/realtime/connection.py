"""One authenticated socket: its frames in, its events out, its timers and its queue of commands."""

import asyncio
import logging
import random
import time
from collections.abc import Coroutine, Mapping
from functools import partial
from socket import SocketType
from typing import Any, Protocol

from cloudchat.auth.principal import Principal
from cloudchat.core.ids import new_id
from cloudchat.core.log_rate_limit import RATE_LIMITED
from cloudchat.core.timestamps import rfc3339
from cloudchat.protocol import events
from cloudchat.protocol.close_codes import CloseCode
from cloudchat.protocol.commands import AnyCommand, Join
from cloudchat.protocol.errors import Error, ErrorCode, error
from cloudchat.protocol.framing import text_frame
from cloudchat.realtime.command_gate import CommandGate, Rejected
from cloudchat.realtime.command_queue import CommandQueue, QueuedCommand
from cloudchat.realtime.feeds.room_feed import RoomFeed
from cloudchat.realtime.user_allowance import MAX_JOIN_BURST, ReadBudget
from cloudchat.rooms.summaries.summary import RoomSummary

logger = logging.getLogger(__name__)

MAX_QUEUED_COMMANDS = 32
"""Commands that wait, without joins."""
MAX_QUEUED_JOINS = MAX_JOIN_BURST
EXPIRY_WARNING_SECONDS = 60.0
DRAIN_SECONDS = 2.0
"""How long a stopping server waits for the acks of pending sends."""
MIN_RECONNECT_MS = 100
"""Clients of a stopping server reconnect at random times from this one on, within `Slots.reconnect_window_ms`."""


class Socket(Protocol):
    """What a connection needs of `WebSocketProtocol`."""

    @property
    def direct(self) -> SocketType:
        """See `hub.Member`."""

    @property
    def close_code(self) -> int:
        """The close code that was sent or received; 1006 if there is none."""

    def push(self, frames: bytes, *, ephemeral: bool = False) -> None:
        """Send frames. Does not wait and does not raise."""

    def close(self, code: CloseCode) -> None:
        """Close the socket; it calls `Connection.closed` immediately."""

    async def wait_writable(self) -> None:
        """Wait until there is room in the send buffer."""


class Slots(Protocol):
    """What the connection holds in the registry and in the limits (`admission.Admission`)."""

    @property
    def reconnect_window_ms(self) -> int:
        """Within what time the clients of this server reconnect."""

    def release(self) -> None:
        """Release them."""


class ConnectionHandler(Protocol):
    """The execution of the commands of connections (`dispatcher.Dispatcher`)."""

    def dispatch(self, connection: "Connection", command: AnyCommand) -> None:
        """Execute a command."""

    def frame_rejected(self, error: Error) -> None:
        """Count a frame that was not accepted as a command."""

    def connection_closed(self, connection: "Connection") -> None:
        """Leave all rooms of the connection."""

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> "asyncio.Task[None]":
        """Start a supervised task."""


class Connection:
    """The receiver of one socket. It owns the socket's slots and releases them when the socket is closed."""

    __slots__ = (
        "_expiry_timer",
        "_gate",
        "_handler",
        "_queue",
        "_queued_commands",
        "_queued_joins",
        "_slots",
        "draining",
        "id",
        "joined",
        "open",
        "pending_sends",
        "principal",
        "replay_turn",
        "rooms",
        "socket",
    )

    def __init__(
        self,
        socket: Socket,
        principal: Principal,
        rooms: Mapping[str, RoomSummary],
        gate: CommandGate,
        slots: Slots,
        handler: ConnectionHandler,
    ) -> None:
        self.id = new_id()
        self.socket = socket
        self.principal = principal
        self.rooms = rooms
        self.joined: dict[str, RoomFeed] = {}
        """The feeds of the rooms that were joined; each is one reference that the handler releases."""
        self.open = True
        self.draining = False
        """Whether the server is stopping: no more messages are accepted."""
        self.pending_sends = 0
        """Messages that the store has not answered yet."""
        self._gate = gate
        self._slots = slots
        self._handler = handler
        self.replay_turn = asyncio.Lock()
        """Held by the command that sends much: each one waits until the socket is writable again, then the next one."""
        self._queue: CommandQueue | None = None
        self._queued_commands = self._queued_joins = 0
        self._expiry_timer: asyncio.TimerHandle | None = None
        self.renew_token(principal)

    @property
    def reads(self) -> ReadBudget:
        """How much all sockets of the user may read."""
        return self._gate.reads

    def send(self, event: events.Event | Error) -> None:
        """Send one event to this socket only."""
        self.socket.push(text_frame(events.encode(event)))

    # -- the socket's Receiver ----------------------------------------------------------------------------------------

    def text_received(self, text: str) -> None:
        """Execute the command in a frame, or answer it by an error."""
        outcome = self._gate.parse(text, time.monotonic())
        if not isinstance(outcome, Rejected):
            self._handler.dispatch(self, outcome)
            return
        self._handler.frame_rejected(outcome.error)
        self.send(outcome.error)
        if outcome.close is not None:
            fields = outcome.close, self.principal.user_id, self.id
            logger.info("socket closed for abuse code=%d user=%s connection=%s", *fields, extra=RATE_LIMITED)
            self.socket.close(outcome.close)

    def drain(self) -> None:
        """Tell the client when to reconnect, wait for the acks of pending sends, then close with 1012."""
        self.draining = True
        delay_ms = random.randint(MIN_RECONNECT_MS, self._slots.reconnect_window_ms)  # noqa: S311 (spreads load, guards nothing)
        self.send(events.Drain(reconnect_after_ms=delay_ms))
        if self.pending_sends:
            asyncio.get_running_loop().call_later(DRAIN_SECONDS, self.socket.close, CloseCode.SERVICE_RESTART)
        else:
            self._close_after_replies()

    def closed(self) -> None:
        """Release everything that this connection holds."""
        self.open = False
        if self._expiry_timer is not None:
            self._expiry_timer.cancel()
        if self._queue is not None:
            self._queue.cancel()
        self._handler.connection_closed(self)
        self._gate.close(time.monotonic())
        self._slots.release()
        logger.debug("socket closed connection=%s code=%d", self.id, self.socket.close_code)

    # -- for the handler ----------------------------------------------------------------------------------------------

    def send_finished(self) -> None:
        """Record that a pending send has been answered. The last one closes a draining socket."""
        self.pending_sends -= 1
        if self.draining and not self.pending_sends:
            self._close_after_replies()

    def _close_after_replies(self) -> None:
        """Close the draining socket after the replies of this tick, which the hub sends at its end."""
        asyncio.get_running_loop().call_soon(self.socket.close, CloseCode.SERVICE_RESTART)

    def enqueue(self, command: AnyCommand, run: QueuedCommand) -> None:
        """Run a command after those of the same room before it: a `leave` must not overtake its `join`."""
        is_join = isinstance(command, Join)
        if self._queued_joins >= MAX_QUEUED_JOINS if is_join else self._queued_commands >= MAX_QUEUED_COMMANDS:
            message = "too many commands are waiting; wait for the replies first"
            self.send(error(ErrorCode.RATE_LIMITED, message, id=command.id, retry_after_ms=1000))
            return
        if self._queue is None:
            self._queue = CommandQueue(self._handler.spawn, self._command_failed)
        self._count(is_join, 1)
        self._queue.add(getattr(command, "room", ""), partial(self._run, is_join, run))

    async def _run(self, is_join: bool, run: QueuedCommand) -> None:
        await run()
        self._count(is_join, -1)
        if not self._queued_joins and not self._queued_commands:
            self._queue = None  # most connections are idle most of the time

    def _count(self, is_join: bool, change: int) -> None:
        if is_join:
            self._queued_joins += change
        else:
            self._queued_commands += change

    def _command_failed(self) -> None:
        """Close the socket: the client waits for this reply and for those of the commands behind it."""
        self.socket.close(CloseCode.INTERNAL_ERROR)

    def put_room(self, room: RoomSummary) -> None:
        """Set the state of a room that the user is in. The mapping is replaced: connections share it."""
        self.rooms = {**self.rooms, room.id: room}

    def drop_room(self, room_id: str) -> None:
        """Forget a room that the user is not in any more."""
        self.rooms = {id: room for id, room in self.rooms.items() if id != room_id}

    # -- the token's expiry -------------------------------------------------------------------------------------------

    def renew_token(self, principal: Principal) -> None:
        """Continue with a valid token. Warn the client one minute before it expires; close the socket when it does."""
        self.principal = principal
        if self._expiry_timer is not None:
            self._expiry_timer.cancel()
        remaining = principal.expires_at - time.time()
        # Never warn before half of the remaining time has passed. A token whose whole life is shorter than the warning
        # time would cause a warning immediately, and each renewal would cause the next one.
        warning = min(EXPIRY_WARNING_SECONDS, remaining / 2)
        delay = max(0.0, remaining - warning)
        self._expiry_timer = asyncio.get_running_loop().call_later(delay, self._warn_of_expiry)

    def _warn_of_expiry(self) -> None:
        expires_at = self.principal.expires_at
        remaining = expires_at - time.time()
        if remaining > 0:
            self.send(events.TokenExpiring(token_expires_at=rfc3339(expires_at)))
        loop = asyncio.get_running_loop()
        self._expiry_timer = loop.call_later(max(0.0, remaining), self.socket.close, CloseCode.TOKEN_INVALID)
