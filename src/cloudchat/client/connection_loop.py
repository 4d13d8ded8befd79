"""Keep a client connected: open a connection, run it to its end, wait as the policy says, and start again."""

import asyncio
import contextlib
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

from cloudchat.client.errors import ConnectionEnded, SignInRequired
from cloudchat.client.protocol.chat_protocol import ChatProtocol
from cloudchat.client.protocol.reconnect_policy import ReconnectPolicy
from cloudchat.client.protocol.updates import Disconnected, Update
from cloudchat.client.socket import ABNORMAL_CLOSURE, ChatSocket, OpenFailed, open_socket
from cloudchat.protocol.close_codes import Recovery

log = logging.getLogger("cloudchat.client")

TokenProvider = Callable[[bool], Awaitable[str]]
"""Returns an access token. With True it must be a fresh one: the last one was rejected or is about to expire.

Raises `SignInRequired` when it cannot get any token, which ends the client. After any `OSError` it is called again.
"""


class ConnectionLoop:
    """Call `run` once. `deliver` gets every update, in order, on the event loop."""

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
        self._address = re.sub(r"//[^/]*@", "//", url.partition("?")[0])  # without secrets
        self._token = token
        self._protocol = protocol
        self._policy = policy
        self._options = options
        self._deliver = deliver
        self._wakeup = asyncio.Event()

    def wake(self) -> None:
        """Make the loop look for commands to send."""
        self._wakeup.set()

    async def run(self) -> None:
        """Run until cancelled. Raises `ConnectionEnded` or `SignInRequired` when a reconnect cannot help."""
        fresh = False
        while True:
            server_delay: float | None = None
            refreshed = welcomed = False
            try:
                token = await self._token(fresh)
                refreshed, fresh = fresh, False  # only now: a fresh token stays wanted until the provider returns one
                socket = await open_socket(self._url, token, self._options)
            except OpenFailed as error:
                reason, recovery, code = str(error), error.recovery, error.status
                server_delay = error.retry_after_seconds
            except OSError as error:
                reason, recovery, code = f"no token: {error}", Recovery.RETRY, 0
            else:
                welcomed, recovery, end = await self._run_connection(socket)
                reason, code = str(end), end.code
                server_delay = self._protocol.drain_seconds
            if recovery is Recovery.STOP:
                raise ConnectionEnded(code, reason)
            if recovery is Recovery.REFRESH:
                if refreshed and not welcomed:
                    raise SignInRequired("the server rejected a fresh token")
                fresh = True
            seconds = self._policy.delay(recovery, _now(), server_delay)
            if not welcomed:  # otherwise a program that only sends would wait without a sign
                log.warning("not connected to %s: %s; next attempt in %.1f s", self._address, reason, seconds)
            self._deliver(Disconnected(reason, seconds))
            await asyncio.sleep(seconds)

    async def _run_connection(self, socket: ChatSocket) -> tuple[bool, Recovery, ConnectionEnded]:
        """Run a connection to its end. Return whether `welcome` arrived, what to do next, and why it ended."""
        protocol = self._protocol
        protocol.connection_opened(_now())
        reader = asyncio.create_task(self._read(socket))
        reader.add_done_callback(lambda _: self._wakeup.set())
        refresher: asyncio.Task[None] | None = None
        welcomed = False
        try:
            while not reader.done():
                if not protocol.tick(_now()):
                    break
                if protocol.token_expiring and refresher is None:
                    refresher = asyncio.create_task(self._refresh_token())
                elif refresher is not None and refresher.done():
                    refresher, protocol.token_expiring = None, False
                if not await self._send(socket):
                    break
                welcomed = welcomed or protocol.welcomed
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(protocol.next_tick(_now())):
                        await self._wakeup.wait()
                self._wakeup.clear()
            welcomed = welcomed or protocol.welcomed
            if not reader.done():
                end = ConnectionEnded(ABNORMAL_CLOSURE, "the server is silent, or accepts no data")
            elif reader.exception() is not None:
                end = ConnectionEnded(ABNORMAL_CLOSURE, f"the server sent an invalid frame: {reader.exception()!r}")
            else:
                end = socket.end
            return welcomed, protocol.connection_closed(end.code), end
        except asyncio.CancelledError:
            protocol.connection_closed(None)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2):
                    await socket.close()
            raise
        finally:
            socket.abort()
            for task in (reader, refresher):
                if task is not None:
                    task.cancel()

    async def _send(self, socket: ChatSocket) -> bool:
        """Send due commands. Return False when the server accepts no data for as long as it may be silent."""
        for text in self._protocol.take_commands(_now()):
            try:
                async with asyncio.timeout_at(self._protocol.silence_deadline):
                    await socket.send(text)
            except TimeoutError:
                return False
        return True

    async def _read(self, socket: ChatSocket) -> None:
        async for text in socket.frames():
            now = _now()
            welcomed = self._protocol.welcomed
            self._protocol.frame_received(text, now)
            if self._protocol.welcomed and not welcomed:
                self._policy.opened(now, self._protocol.reconnect_within_seconds)
            for update in self._protocol.take_updates():
                self._deliver(update)
            self._wakeup.set()

    async def _refresh_token(self) -> None:
        """Send a fresh token before the old one expires. Without it, the server would close with 4401."""
        with contextlib.suppress(OSError, SignInRequired):
            self._protocol.request({"type": "auth", "token": await self._token(True)})
            self._wakeup.set()


def _now() -> float:
    return asyncio.get_running_loop().time()
