"""One WebSocket to the server, on the `websockets` library: opened, read, and what its end means."""

from collections.abc import AsyncIterator
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as websocket_connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from cloudchat.client.close_rules import Reaction, after_refusal
from cloudchat.client.errors import ConnectionEnded

SUBPROTOCOL = Subprotocol("cloudchat.v1")
OPEN_SECONDS = 15.0
FRAME_BYTES = 4 << 20
"""More than the largest page of history; a server that sends more is none of ours."""


class NotOpened(Exception):
    """The attempt failed. `asked` is the pause the server named (Retry-After, in seconds)."""

    def __init__(self, why: str, reaction: Reaction, asked: float | None = None, status: int = 0) -> None:
        super().__init__(why)
        self.reaction = reaction
        self.asked = asked
        self.status = status


async def open_socket(url: str, token: str, options: dict[str, Any]) -> "ChatWebSocket":
    """Connect and speak cloudchat.v1. The token travels in a header, never in the URL. Raises `NotOpened`.

    `options` go to `websockets.connect`: `ssl`, `proxy` and the like.
    """
    try:
        connection = await websocket_connect(
            url,
            subprotocols=[SUBPROTOCOL],
            additional_headers={"Authorization": f"Bearer {token}"},
            compression=None,
            max_size=FRAME_BYTES,
            open_timeout=OPEN_SECONDS,
            close_timeout=1,
            ping_interval=None,  # the server pings, and its `head`s tell that it lives
            **options,
        )
    except InvalidStatus as refusal:
        status = refusal.response.status_code
        after = refusal.response.headers.get("Retry-After", "")
        asked = float(after) if after.isdecimal() and len(after) < 6 else None
        raise NotOpened(f"refused with HTTP status {status}", after_refusal(status), asked, status) from refusal
    except (OSError, InvalidHandshake) as problem:  # TimeoutError is an OSError
        raise NotOpened(f"{type(problem).__name__}: {problem}", Reaction.RETRY) from problem
    if connection.subprotocol != SUBPROTOCOL:
        connection.transport.abort()
        raise NotOpened("the server does not speak cloudchat.v1", Reaction.STOP)
    return ChatWebSocket(connection)


class ChatWebSocket:
    """Text frames in and out."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def frames(self) -> AsyncIterator[str]:
        """Every frame until the connection ends. Raises ValueError for a binary one."""
        try:
            async for frame in self._connection:
                if not isinstance(frame, str):
                    raise ValueError("a binary frame")  # noqa: TRY004 (what a hostile server sends is no type error)
                yield frame
        except ConnectionClosed:
            return

    async def send(self, text: str) -> None:
        """Send one frame; on a connection that has ended this does nothing, and `frames` has said so."""
        try:
            await self._connection.send(text)
        except ConnectionClosed:
            return

    @property
    def ended(self) -> ConnectionEnded:
        """Code and reason of the close; 1006 without a close frame."""
        return ConnectionEnded(self._connection.close_code or 1006, self._connection.close_reason or "connection lost")

    async def close(self) -> None:
        """Say goodbye, and wait a second for the answer."""
        await self._connection.close()

    def cut(self) -> None:
        """Let go without a goodbye, which a server that is silent would never answer."""
        self._connection.transport.abort()
