"""One WebSocket to the server, on the `websockets` library."""

import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as websocket_connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidProxyStatus, InvalidStatus
from websockets.typing import Subprotocol

from cloudchat.client.errors import ConnectionEnded, SignInRequired
from cloudchat.client.network_problem import network_problem
from cloudchat.client.protocol.reconnect_policy import recovery_after_refusal
from cloudchat.core.origin import is_loopback
from cloudchat.protocol.close_codes import Recovery

SUBPROTOCOL = Subprotocol("cloudchat.v1")
OPEN_SECONDS = 15.0
MAX_FRAME_BYTES = 4 << 20
"""More than the largest page of history. A server that sends more is not a cloudchat server."""
ABNORMAL_CLOSURE = 1006
"""The code for a connection that ended without a close frame (RFC 6455 §7.1.5). It is never sent."""

_TOKEN = re.compile(r"[!-~]+", re.ASCII)
"""What a header can carry without a change (RFC 9110 §5.5)."""


class OpenFailed(Exception):
    """A connection could not be opened.

    `retry_after_seconds` is the delay that the server named (`Retry-After`), `status` the HTTP status that refused the
    handshake, 0 if there was no response.
    """

    def __init__(
        self, message: str, recovery: Recovery, retry_after_seconds: float | None = None, status: int = 0
    ) -> None:
        super().__init__(message)
        self.recovery = recovery
        self.retry_after_seconds = retry_after_seconds
        self.status = status


async def open_socket(url: str, token: str, options: dict[str, Any]) -> "ChatSocket":
    """Connect and negotiate cloudchat.v1. Raises `OpenFailed`, and `SignInRequired` for a token that cannot be sent.

    The token is sent in a header and never in the URL, which proxies log. `options` go to `websockets.connect` (`ssl`,
    `proxy` and others). A server on this machine is reached without the proxy of the environment.
    """
    token = token.strip()  # a token that was read from a file ends with a newline
    if not _TOKEN.fullmatch(token):
        raise SignInRequired("the token is empty, or has characters that no token has")
    if is_loopback(urlsplit(url).hostname or ""):
        options = {"proxy": None, **options}
    try:
        connection = await websocket_connect(
            url,
            subprotocols=[SUBPROTOCOL],
            additional_headers={"Authorization": f"Bearer {token}"},
            compression=None,
            max_size=MAX_FRAME_BYTES,
            open_timeout=OPEN_SECONDS,
            close_timeout=1,
            ping_interval=None,  # the server sends pings, and its `head` events show that it is alive
            **options,
        )
    except InvalidStatus as error:
        status = error.response.status_code
        header = error.response.headers.get("Retry-After", "")
        retry_after = float(header) if header.isdecimal() and len(header) < 6 else None
        recovery = recovery_after_refusal(status)
        raise OpenFailed(f"refused with HTTP status {status}", recovery, retry_after, status) from error
    except InvalidProxyStatus as error:
        status = error.response.status_code
        recovery = Recovery.STOP if status < 500 else Recovery.RETRY
        raise OpenFailed(
            f"the proxy refused the connection with HTTP status {status}", recovery, None, status
        ) from error
    except (OSError, InvalidHandshake) as error:  # TimeoutError is an OSError
        raise OpenFailed(network_problem(error), Recovery.RETRY) from error
    if connection.subprotocol != SUBPROTOCOL:
        connection.transport.abort()
        raise OpenFailed("the server does not support cloudchat.v1", Recovery.STOP)
    return ChatSocket(connection)


class ChatSocket:
    """An open connection that sends and receives text frames."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def frames(self) -> AsyncIterator[str]:
        """Yield every frame until the connection ends. Raises ValueError for a binary one."""
        try:
            async for frame in self._connection:
                if not isinstance(frame, str):
                    raise ValueError("a binary frame")  # noqa: TRY004 (a server's mistake is not a TypeError here)
                yield frame
        except ConnectionClosed:
            return

    async def send(self, text: str) -> None:
        """Send one frame. On a connection that has ended this does nothing: `frames` has ended too."""
        try:
            await self._connection.send(text)
        except ConnectionClosed:
            return

    @property
    def end(self) -> ConnectionEnded:
        """Code and reason of the close frame, once the connection has ended."""
        code = self._connection.close_code or ABNORMAL_CLOSURE
        return ConnectionEnded(code, self._connection.close_reason or "connection lost")

    async def close(self) -> None:
        """Do the closing handshake; wait a second for the server's close frame."""
        await self._connection.close()

    def abort(self) -> None:
        """Close the connection without the closing handshake, which a silent server would never answer."""
        self._connection.transport.abort()
