"""How a socket opens: the HTTP protocol passes its connection and a checked handshake, and the application accepts it.

`WebSocketProtocol` is the whole socket, and states the contract with uvicorn.
"""

import asyncio
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from uvicorn._types import ASGISendEvent, WebSocketScope
from uvicorn.protocols.utils import ClientDisconnected
from websockets.datastructures import Headers
from websockets.http11 import Response
from websockets.protocol import Protocol as WebSocketFrames
from websockets.protocol import State
from websockets.typing import StatusLike

from cloudchat.http.raw_response import raw_error
from cloudchat.http.websocket_upgrade import UpgradeRequest
from cloudchat.realtime.transport.socket_close import SocketClose

HANDSHAKE_TIMEOUT_SECONDS = 10.0
_ACCEPTED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: %b\r\n%b\r\n%b"
)
EXTENSION = "cloudchat.socket"
"""The application finds the socket at `scope["extensions"][EXTENSION]`."""


class SocketHandshake(SocketClose):
    """The part of a socket that opens it."""

    __slots__ = ("_accept_key",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The library would answer a handshake that fails as text/plain and without our headers. It offers no hook.
        self.conn.reject = _reject  # type: ignore[method-assign]

    def accept(self, subprotocol: str | None, frames: bytes = b"") -> None:
        """Accept the handshake. The first frames go behind the response, in one write.

        Does nothing if the client has left; then the receiver that is attached is closed.
        """
        if self.transport.is_closing():
            return
        lines = [b"%b: %b\r\n" % header for header in self.default_headers]
        if subprotocol is not None:
            lines.append(b"Sec-WebSocket-Protocol: %b\r\n" % subprotocol.encode("latin-1"))
        self.transport.write(_ACCEPTED % (self._accept_key, b"".join(lines), frames))
        self.conn.state = State.OPEN
        self.handshake_complete = True
        self.start_keepalive()

    # -- called by the HTTP protocol and uvicorn ----------------------------------------------------------------------

    def take_over(self, transport: asyncio.Transport, request: UpgradeRequest) -> None:
        """Continue a connection of the HTTP protocol: start the application for a handshake that it has checked.

        uvicorn would look up the addresses again, write the request as bytes, and let websockets parse and check them.
        """
        self.connections.add(self)
        self.transport = transport
        self._accept_key = request.accept_key
        # There are no pings before the handshake is complete, and `stop_keepalive` cancels this timer.
        self.ping_timer = self.loop.call_later(HANDSHAKE_TIMEOUT_SECONDS, transport.abort)
        self.conn.parser = WebSocketFrames.parse(self.conn)
        next(self.conn.parser)
        self.scope = self._scope_of(request)
        self.handshake_initiated = True
        task = self.loop.create_task(self.run_asgi())
        task.add_done_callback(self.on_task_complete)
        self.tasks.add(task)

    def _scope_of(self, request: UpgradeRequest) -> WebSocketScope:
        raw_path, _, query = request.url.partition(b"?")
        headers = [(name, value.strip(b" \t")) for name, value in request.headers]
        protocols = [value.decode("latin-1") for name, value in headers if name == b"sec-websocket-protocol"]
        return {
            "type": "websocket",
            "asgi": {"version": self.asgi_version, "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": request.scheme,
            "server": request.server,
            "client": request.client,
            "root_path": self.root_path,
            "path": self.root_path + unquote(raw_path.decode("latin-1")),
            "raw_path": self.root_path.encode("ascii") + raw_path,
            "query_string": query,
            "headers": headers,
            "subprotocols": [name.strip() for value in protocols for name in value.split(",")],
            "state": self.app_state.copy(),
            "extensions": {"websocket.http.response": {}, EXTENSION: self},  # type: ignore[dict-item]
        }

    async def send(self, message: ASGISendEvent) -> None:
        """Send an ASGI message of the handshake."""
        if message["type"] != "websocket.accept":
            await super().send(message)
            return
        if self.disconnected:
            raise ClientDisconnected
        self.accept(message.get("subprotocol"))

    def start_keepalive(self) -> None:
        """Stop the timeout of the handshake: it would hold this object for 10 s after its end."""
        self.stop_keepalive()
        super().start_keepalive()

    async def run_asgi(self) -> None:
        """Run the application for the handshake. A socket that it attached stays open when it returns."""
        try:
            await self.app(self.scope, self.receive, self.send)
        except ClientDisconnected:
            pass  # the client left before it was accepted, so no response is possible
        except BaseException:
            self.logger.exception("the application failed during the handshake")
            self.send_500_response()
        if self._receiver is None and self.close_timer is None:
            self.transport.close()


def _reject(status: StatusLike, text: str) -> Response:
    """Return the response to a handshake that the library cannot accept, with our error body and headers."""
    status = HTTPStatus(status)
    headers, body = raw_error(status, text.strip())
    return Response(status.value, status.phrase, Headers(headers), body)
