"""An echo server with cloudchat's own socket protocol, for the Autobahn test suite. Argument: the port.

Unlike the chat, it accepts what the suite sends: binary messages, large messages, many fragments.
"""

import sys

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode

from cloudchat.http.http_protocol import HttpProtocol
from cloudchat.realtime.transport import websocket_protocol
from cloudchat.realtime.transport.socket_handshake import EXTENSION
from cloudchat.realtime.transport.websocket_protocol import WebSocketProtocol

MIB = 1 << 20
websocket_protocol.MAX_FRAGMENTS = 1 << 20


class EchoProtocol(WebSocketProtocol):
    """Echo every message, text or binary."""

    def handle_bytes(self, event: Frame) -> None:
        WebSocketsSansIOProtocol.handle_bytes(self, event)

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text":
            super().send_receive_event_to_app()
        elif not self.close_sent:
            data, self.frames = b"".join(self.frames), []
            self.push(Frame(Opcode.BINARY, data).serialize(mask=False))


class Echo:
    """The receiver of one socket: echoes text."""

    def __init__(self, socket: WebSocketProtocol) -> None:
        self._socket = socket

    def text_received(self, text: str) -> None:
        self._socket.push(Frame(Opcode.TEXT, text.encode()).serialize(mask=False))

    def drain(self) -> None:
        pass

    def closed(self) -> None:
        pass


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    socket: WebSocketProtocol = scope["extensions"][EXTENSION]
    socket.send_buffer_bytes = 64 * MIB
    await send({"type": "websocket.accept"})
    socket.attach(Echo(socket))


if __name__ == "__main__":
    uvicorn.run(
        echo,
        port=int(sys.argv[1]),
        http=HttpProtocol,
        ws=EchoProtocol,
        ws_max_size=32 * MIB,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        lifespan="off",
        log_level="warning",
    )
