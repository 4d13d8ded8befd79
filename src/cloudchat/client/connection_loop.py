"""Connected as much of the time as the world allows: opens a socket, runs it, waits as the policy says, again."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from cloudchat.client.chat_protocol import ChatProtocol
from cloudchat.client.close_rules import Reaction
from cloudchat.client.errors import ConnectionEnded, SignInNeeded
from cloudchat.client.reconnect_policy import ReconnectPolicy
from cloudchat.client.socket import ChatWebSocket, NotOpened, open_socket
from cloudchat.client.updates import Disconnected, Update

TokenProvider = Callable[[bool], Awaitable[str]]
"""Returns an access token; with True a fresh one, because the last was refused or is about to expire.

Raises `SignInNeeded` when there is none to be had, which ends the client; any other `OSError` is tried again.
"""

LOST = 1006
"""The close code that stands for "no close frame" (RFC 6455, section 7.1.5)."""


class ConnectionLoop:
    """`run` it once. `deliver` gets every update, in order, on the event loop."""

    def __init__(
        self,
        url: str,
        token: TokenProvider,
        protocol: ChatProtocol,
        policy: ReconnectPolicy,
        options: dict[str, Any],
        deliver: Callable[[Update], None],
    ) -> None:
        self._url = url
        self._token = token
        self._protocol = protocol
        self._policy = policy
        self._options = options
        self._deliver = deliver
        self._news = asyncio.Event()

    def wake(self) -> None:
        """The protocol has something to send."""
        self._news.set()

    async def run(self) -> None:
        """Returns only by cancellation. Raises `ConnectionEnded` or `SignInNeeded` when coming back makes no sense."""
        fresh = False
        while True:
            asked: float | None = None
            renewed = welcomed = False
            try:
                token = await self._token(fresh)
                renewed, fresh = fresh, False  # the wish stays until a token was got
                socket = await open_socket(self._url, token, self._options)
            except NotOpened as problem:
                why, reaction, asked, code = str(problem), problem.reaction, problem.asked, problem.status
            except OSError as problem:
                why, reaction, code = f"no token: {problem}", Reaction.RETRY, 0
            else:
                welcomed, reaction, ended = await self._converse(socket)
                why, code = str(ended), ended.code
                asked = self._protocol.drain_seconds
            if reaction is Reaction.STOP:
                raise ConnectionEnded(code, why)
            if reaction is Reaction.REFRESH:
                if renewed and not welcomed:
                    raise SignInNeeded("a fresh token was refused too")
                fresh = True
            seconds = self._policy.delay(reaction, _now(), asked)
            self._deliver(Disconnected(why, seconds))
            await asyncio.sleep(seconds)

    async def _converse(self, socket: ChatWebSocket) -> tuple[bool, Reaction, ConnectionEnded]:
        """Run one socket to its end. Returns whether the server said welcome, what to do next, and why it ended."""
        protocol = self._protocol
        protocol.opened(_now())
        reading = asyncio.create_task(self._read(socket))
        reading.add_done_callback(lambda _: self._news.set())
        renewing: asyncio.Task[None] | None = None
        welcomed = False
        try:
            while not reading.done():
                if not protocol.tick(_now()):
                    break
                if protocol.token_expiring and renewing is None:
                    renewing = asyncio.create_task(self._renew())
                elif renewing is not None and renewing.done():
                    renewing, protocol.token_expiring = None, False
                if not await self._send(socket):
                    break
                welcomed = welcomed or protocol.welcomed
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(protocol.next_tick(_now())):
                        await self._news.wait()
                self._news.clear()
            welcomed = welcomed or protocol.welcomed
            if not reading.done():
                ended = ConnectionEnded(LOST, "the server is silent, or takes nothing")
            elif reading.exception() is not None:
                ended = ConnectionEnded(LOST, f"the server sent what is no frame: {reading.exception()!r}")
            else:
                ended = socket.ended
            return welcomed, protocol.closed(ended.code), ended
        except asyncio.CancelledError:
            protocol.closed(None)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2):
                    await socket.close()
            raise
        finally:
            socket.cut()
            for task in (reading, renewing):
                if task is not None:
                    task.cancel()

    async def _send(self, socket: ChatWebSocket) -> bool:
        """Send what is due. Returns False when the server takes nothing for as long as it may be silent."""
        for text in self._protocol.take_commands(_now()):
            try:
                async with asyncio.timeout_at(self._protocol.silent_at):
                    await socket.send(text)
            except TimeoutError:
                return False
        return True

    async def _read(self, socket: ChatWebSocket) -> None:
        async for text in socket.frames():
            now = _now()
            welcomed = self._protocol.welcomed
            self._protocol.received(text, now)
            if self._protocol.welcomed and not welcomed:
                self._policy.opened(now)
            for update in self._protocol.take_updates():
                self._deliver(update)
            self._news.set()

    async def _renew(self) -> None:
        """A fresh token in-band, so that the socket outlives its first one. If there is none, 4401 will say so."""
        with contextlib.suppress(OSError, SignInNeeded):
            self._protocol.ask({"type": "auth", "token": await self._token(True)})
            self._news.set()


def _now() -> float:
    return asyncio.get_running_loop().time()
