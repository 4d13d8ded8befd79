"""One socket: its frames in, its frames out, and everything that must be let go when it ends."""

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from cloudchat.auth.principal import Principal
from cloudchat.core.log_rate_limit import RATE_LIMITED
from cloudchat.core.timestamps import rfc3339
from cloudchat.protocol import events
from cloudchat.protocol.close_codes import CloseCode
from cloudchat.protocol.commands import AnyCommand
from cloudchat.protocol.errors import Error, ErrorCode, error
from cloudchat.realtime.framing import text_frame
from cloudchat.realtime.relay import Spawn
from cloudchat.realtime.room_feed import RoomFeed
from cloudchat.realtime.socket_session import Refused, SocketSession
from cloudchat.rooms.service import RoomSummary

logger = logging.getLogger(__name__)

MAX_QUEUED = 32
"""Commands that read the store wait for each other, at most so many; one more is refused."""
EXPIRY_WARNING_SECONDS = 60.0
DRAIN_SECONDS = 2.0
RECONNECT_AFTER_MS = 100, 3000


class Socket(Protocol):
    """What a connection needs of `WebSocketProtocol`."""

    def push(self, frames: bytes, *, ephemeral: bool = False) -> None:
        """Send frames; never waits, never raises."""

    def close(self, code: CloseCode) -> None:
        """End it; `Connection.lost` follows at once."""

    async def writable_again(self) -> None:
        """Wait until there is room in the buffer."""


class Connection:
    """The receiver of one authenticated socket.

    `dispatch` is what commands mean, `refused` hears of frames that are none, `forget` lets a room go, `ended` hears
    that the socket is closed.
    """

    __slots__ = (
        "_at_work",
        "_dispatch",
        "_draining",
        "_ended",
        "_expiry",
        "_forget",
        "_queue",
        "_refused",
        "_session",
        "_spawn",
        "id",
        "joined",
        "open",
        "principal",
        "rooms",
        "socket",
        "unanswered",
    )

    def __init__(
        self,
        socket: Socket,
        id: str,
        principal: Principal,
        rooms: Mapping[str, RoomSummary],
        session: SocketSession,
        *,
        dispatch: "Callable[[Connection, AnyCommand], None]",
        refused: Callable[[Error], None],
        forget: "Callable[[Connection, RoomFeed], None]",
        ended: "Callable[[Connection], None]",
        spawn: Spawn,
    ) -> None:
        self.socket = socket
        self.id = id
        self.principal = principal
        self.rooms = rooms
        self.joined: dict[str, RoomFeed] = {}
        self.open = True
        self.unanswered = 0
        self._session = session
        self._dispatch = dispatch
        self._refused = refused
        self._forget = forget
        self._ended = ended
        self._spawn = spawn
        self._queue: deque[Callable[[], Awaitable[None]]] | None = None
        self._at_work: asyncio.Task[None] | None = None
        self._draining = False
        self._expiry: asyncio.TimerHandle | None = None
        self.token_renewed(principal)

    # -- out ----------------------------------------------------------------------------------------------------------

    def send(self, event: events.Event | Error) -> None:
        """Send one event to this socket alone."""
        self.socket.push(text_frame(events.encode(event)))

    # -- in (the socket's `Receiver`) ---------------------------------------------------------------------------------

    def received(self, text: str) -> None:
        """Judge a frame, then do or refuse what it says."""
        outcome = self._session.receive(text, time.monotonic())
        if not isinstance(outcome, Refused):
            self._dispatch(self, outcome)
            return
        self._refused(outcome.error)
        self.send(outcome.error)
        if outcome.close is not None:
            user = self.principal.user_id
            told = outcome.close, user, self.id
            logger.info("socket closed for abuse code=%d user=%s connection=%s", *told, extra=RATE_LIMITED)
            self.socket.close(outcome.close)

    def draining(self) -> None:
        """Say when to come back, let what is under way be acknowledged, close with 1012."""
        self._draining = True
        self.send(events.Drain(reconnect_after_ms=random.randint(*RECONNECT_AFTER_MS)))  # noqa: S311 (spreads load)
        if self.unanswered:
            asyncio.get_running_loop().call_later(DRAIN_SECONDS, self.socket.close, CloseCode.SERVICE_RESTART)
        else:
            self.socket.close(CloseCode.SERVICE_RESTART)

    def lost(self) -> None:
        """Let go of everything."""
        self.open = False
        if self._expiry is not None:
            self._expiry.cancel()
        if self._at_work is not None:
            self._at_work.cancel()
        for feed in self.joined.values():
            self._forget(self, feed)
        self.joined.clear()
        self._ended(self)

    # -- for the dispatcher -------------------------------------------------------------------------------------------

    @property
    def accepts_sends(self) -> bool:
        """False once the server is stopping."""
        return not self._draining

    def answered(self) -> None:
        """One `send` less is under way; a draining socket closes after the last one."""
        self.unanswered -= 1
        if self._draining and not self.unanswered:
            self.socket.close(CloseCode.SERVICE_RESTART)

    def enqueue(self, id: str | None, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work` after what was enqueued before it: a `leave` must not overtake its `join`."""
        if self._queue is None:
            self._queue = deque()
        if len(self._queue) >= MAX_QUEUED:
            self.send(error(ErrorCode.RATE_LIMITED, "wait for the replies first", id=id, retry_after_ms=1000))
            return
        self._queue.append(work)
        if self._at_work is None:
            self._at_work = self._spawn(self._work_off(), "commands")

    async def _work_off(self) -> None:
        try:
            while self._queue:
                await self._queue.popleft()()
        except Exception:
            # A bug, which the supervisor logs. Whoever waits for this reply, or for those behind it, comes back.
            self.socket.close(CloseCode.INTERNAL_ERROR)
            raise
        finally:
            self._at_work = self._queue = None

    def token_renewed(self, principal: Principal) -> None:
        """Go on with a token that is good: warn a minute before it ends, close when it ends."""
        self.principal = principal
        if self._expiry is not None:
            self._expiry.cancel()
        left = principal.expires_at - time.time()
        # Never before half of the time that is left: a token that lives shorter than the warning comes before its end
        # would be warned of at once, and each renewal would ask for the next one.
        warning = min(EXPIRY_WARNING_SECONDS, left / 2)
        self._expiry = asyncio.get_running_loop().call_later(max(0.0, left - warning), self._warn_of_expiry)

    def _warn_of_expiry(self) -> None:
        expires_at = self.principal.expires_at
        left = expires_at - time.time()
        if left > 0:
            self.send(events.TokenExpiring(token_expires_at=rfc3339(expires_at)))
        loop = asyncio.get_running_loop()
        self._expiry = loop.call_later(max(0.0, left), self.socket.close, CloseCode.TOKEN_INVALID)
