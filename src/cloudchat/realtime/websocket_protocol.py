"""uvicorn's sans-I/O WebSocket protocol, hardened, with a path for frames that does not pass through ASGI.

ASGI hands over one message at a time, each through a queue and two task switches, and pauses reading in between. Here
ASGI carries only the handshake. Then the application `attach`es a receiver and its coroutine ends. Frames go straight
from the parser to the receiver, and from the hub to the file descriptor. An idle connection costs no task.

The contract with uvicorn
=========================
`WebSocketsSansIOProtocol` is a private class, so uvicorn and websockets are pinned to exact versions. This class and
its bases (`socket_writes.py`, `socket_close.py`) rely on the following; `tests/unit/realtime/test_uvicorn_contract.py`
has one test for each item.

Construction and life cycle:

- The HTTP protocol (`http/http_protocol.py`) creates the class with `config`, `server_state` and `app_state`, calls
  `connection_made`, and passes the upgrade request to `request_received`.
- `stop_keepalive` cancels `ping_timer`, which only the keepalive uses; `connection_lost` and `shutdown` call it.
- `connection_made` sets `transport` and adds the protocol to `server_state.connections`; on shutdown the server calls
  `shutdown()` of each protocol in there. `connection_lost` removes it, sets `disconnected`, stops the keepalive,
  cancels `close_timer`, and sets `writable` so that no `send` waits for a transport that is gone.
- `pause_writing` and `resume_writing` clear and set the event `writable`; nothing else clears it.
- With `set_write_buffer_limits(high=0)` the transport (of uvloop, and of asyncio) calls `pause_writing` when a byte
  stays in its buffer, and `resume_writing` when the buffer is empty. It closes its descriptor after `connection_lost`
  (tests in `test_direct_writes.py`).
- `eof_received` returns None, so that asyncio closes the transport once its buffer is written.

Handshake:

- `conn` is a `websockets.ServerProtocol`; every error response to a handshake is built by `conn.reject(status, text)`,
  which is replaced here by one with our error body.
- `websockets.protocol.Protocol.parse(conn)` parses frames only; `ServerProtocol.parse` parses a request before them.
- `handle_connect(request)` sets `response`, `scope` (with a dict `extensions`) and `handshake_initiated`, and starts
  `run_asgi` as a task; `run_asgi` is the only caller of the application.
- `send` of `websocket.accept` sets `handshake_complete` and starts the keepalive. After it nothing reads `scope`,
  `request` and `response` again: `attach` deletes them, half of what an idle connection would hold. uvicorn only puts
  into `queue` from then on, without waiting.
- `send` of the `websocket.http.response` messages writes the response and closes the transport.

Frames:

- `data_received` parses; the events go one by one to `handle_cont`, `handle_text`, `handle_bytes`, `handle_ping`
  (without an argument), `handle_pong` and `handle_close`. A violation goes to `handle_parser_exception` instead, with
  the close frame ready in `conn.data_to_send()`.
- A complete message ends in `send_receive_event_to_app`, with its fragments in `frames`.
- Between two frames, the parser waits in `at_eof`, and `conn.current_size` is None between two messages. Then a frame
  may be read without the parser (`client_frames.py`), which keeps no other state.
- The base `handle_ping` writes the pong that the parser has queued. The base `handle_close` answers a close of the peer
  and, after our own close, cancels `close_timer` and closes the transport.
- With `close_sent` set, uvicorn writes no keepalive ping and no ASGI message.
- A missing pong calls `keepalive_timeout`, which sets `close_sent` and closes the transport.
- `read_paused` says whether reading is paused, and the code that resumes reading resets it.
"""

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, cast

from uvicorn.protocols.utils import ClientDisconnected
from websockets.datastructures import Headers
from websockets.frames import Frame
from websockets.http11 import Request, Response
from websockets.protocol import Protocol as WebSocketFrames
from websockets.typing import StatusLike

from cloudchat.http.raw_response import raw_error
from cloudchat.protocol.close_codes import CloseCode
from cloudchat.rate_limiting.token_bucket import TokenBucket
from cloudchat.realtime.client_frames import is_between_frames, payload_of_text_frame
from cloudchat.realtime.socket_close import Receiver, SocketClose

HANDSHAKE_TIMEOUT_SECONDS = 10.0
MAX_FRAGMENTS = 64
MAX_EARLY_MESSAGES = 64
"""Messages received between the handshake and `attach`."""
MAX_UNSENT_PONG_BYTES = 64 * 1024
MAX_CONTROL_FRAME_BURST = 100
CONTROL_FRAMES_PER_SECOND = 20
PARSE_SLICE_BYTES = 4096
"""The loop reads up to 256 KiB in one call, which can be 40,000 tiny frames. In slices, at most this much is parsed
behind the frame that closes the socket.
"""
EXTENSION = "cloudchat.socket"
"""The application finds this object at `scope["extensions"][EXTENSION]`."""


class WebSocketProtocol(SocketClose):
    """One socket. The application calls the first group of methods; uvicorn and the event loop call the others."""

    __slots__ = ("_control_frames", "_early_messages")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The library would answer bad handshakes as text/plain and without our headers. It offers no hook for this.
        self.conn.reject = _reject  # type: ignore[method-assign]
        self._early_messages: list[str] = []
        self._control_frames = TokenBucket(MAX_CONTROL_FRAME_BURST, CONTROL_FRAMES_PER_SECOND, self.loop.time())

    # -- for the application ------------------------------------------------------------------------------------------

    def attach(self, receiver: Receiver) -> None:
        """Detach the accepted socket from ASGI: from now on `receiver` gets every message."""
        self._receiver = receiver
        # uvicorn does not read these again; they are half of what an idle connection would hold.
        self.request.headers.clear()  # websockets' parser keeps the request as long as the connection lives
        del self.scope, self.request, self.response
        self.queue = cast("asyncio.Queue[Any]", _DISCARD)
        if self.close_sent or self.disconnected:
            self._detach_receiver()
            return
        self._open_direct_writes()
        messages, self._early_messages = self._early_messages, []
        for text in messages:
            if self._receiver is not None:  # an earlier message may have caused a close
                receiver.text_received(text)
        self._resume_reading()

    # -- called by uvicorn and the event loop -------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the handshake's timeout."""
        super().connection_made(transport)
        # There are no pings before the handshake is complete, and `stop_keepalive` cancels this timer.
        self.ping_timer = self.loop.call_later(HANDSHAKE_TIMEOUT_SECONDS, self.transport.abort)

    def start_keepalive(self) -> None:
        """Stop the timeout of the handshake: it would hold this object for 10 s after its end."""
        self.stop_keepalive()
        super().start_keepalive()

    def request_received(self, url: bytes, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Start the handshake with a request that the HTTP protocol has parsed and bounded.

        uvicorn would write the request as bytes, for the library to parse them again: 60 µs.
        """
        parsed = Headers([(name.decode("ascii"), value.strip(b" \t").decode("latin-1")) for name, value in headers])
        self.conn.parser = WebSocketFrames.parse(self.conn)
        next(self.conn.parser)
        self.handle_connect(Request(url.decode("ascii"), parsed))

    def data_received(self, data: bytes) -> None:
        """Read a single text frame without the parser, or parse in slices.

        Slices, so that almost nothing is parsed behind a frame that causes a close.
        """
        if self._between_frames and (payload := payload_of_text_frame(data)) is not None:
            self._message_received(payload)
            return
        if self.handshake_initiated and not self.handshake_complete:
            # A client must wait for the response (RFC 6455 §4.1). What it sends before would be answered before it, and
            # a frame that cannot be parsed leaves the library unable to send the response.
            self.transport.abort()
            return
        for start in range(0, len(data), PARSE_SLICE_BYTES):
            self._parse(data[start : start + PARSE_SLICE_BYTES] if len(data) > PARSE_SLICE_BYTES else data)
            if self.transport.is_closing():
                return

    def _parse(self, data: bytes) -> None:
        if self._is_too_late(data):
            return
        super().data_received(data)
        self._between_frames = self._receiver is not None and is_between_frames(self.conn)

    def handle_connect(self, event: Request) -> None:
        """Make this object available to the application."""
        super().handle_connect(event)
        if self.response.status_code == 101:
            cast(dict[str, Any], self.scope["extensions"])[EXTENSION] = self

    def handle_bytes(self, event: Frame) -> None:
        """Close the socket: the protocol has no binary messages."""
        self.close(CloseCode.UNSUPPORTED_DATA)

    def handle_cont(self, event: Frame) -> None:
        """Limit the fragments of a message: an empty one costs its sender nothing and the server a list item."""
        if self.close_sent:
            return
        if len(self.frames) >= MAX_FRAGMENTS:
            self.close(CloseCode.TOO_LARGE)
            return
        super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        """Pass a complete message to the receiver, without ASGI's queue."""
        data = self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)
        self.frames = []
        self._message_received(data)

    def _message_received(self, data: bytes) -> None:
        if self.close_sent:
            return
        try:
            text = str(data, "utf-8")
        except UnicodeDecodeError:
            self.close(CloseCode.INVALID_TEXT)
            return
        if self._receiver is not None:
            self._receiver.text_received(text)
        elif len(self._early_messages) < MAX_EARLY_MESSAGES:
            self._early_messages.append(text)
            if not self.read_paused:
                self.read_paused = True
                self.transport.pause_reading()
        else:
            self.close(CloseCode.FLOODING)

    def handle_ping(self) -> None:
        """Answer a ping. Abort a peer that pings but never reads the pongs (92 MB in 4 s from one connection)."""
        if self.transport.get_write_buffer_size() > MAX_UNSENT_PONG_BYTES:
            self.transport.abort()
        elif not self._close_if_flooding():
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        """Accept a pong. Unsolicited pongs are allowed (RFC 6455 §5.5.3), but they count as control frames."""
        if not self._close_if_flooding():
            super().handle_pong(event)

    def _close_if_flooding(self) -> bool:
        if not self._control_frames.take(self.loop.time()):
            return False
        self.close(CloseCode.FLOODING)
        return True

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


class _DiscardingQueue:
    """The queue of ASGI messages after `attach`: nothing reads them. An `asyncio.Queue` takes 2 KiB."""

    def put_nowait(self, message: object) -> None:
        """Do nothing."""


_DISCARD = _DiscardingQueue()


def _reject(status: StatusLike, text: str) -> Response:
    """Return the response to a handshake that the library cannot accept, with our error body and headers."""
    status = HTTPStatus(status)
    headers, body = raw_error(status, text.strip())
    return Response(status.value, status.phrase, Headers(headers), body)
