"""uvicorn's sans-I/O WebSocket protocol, hardened, with a path for frames that does not pass through ASGI.

ASGI hands over one message at a time, each through a queue and two task switches, and pauses reading in between. Here
ASGI carries only the handshake. Then the application `attach`es a receiver and its coroutine ends. Frames go straight
from the parser to the receiver, and from the hub to the file descriptor. An idle connection costs no task.

The contract with uvicorn
=========================
`WebSocketsSansIOProtocol` is a private class, so uvicorn and websockets are pinned to exact versions. This module
relies on the following; `tests/unit/realtime/test_uvicorn_contract.py` has one test for each item.

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
import socket
from collections import Counter
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Protocol, cast

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.datastructures import Headers
from websockets.frames import Frame
from websockets.http11 import Request, Response
from websockets.protocol import Protocol as WebSocketFrames
from websockets.protocol import State
from websockets.typing import StatusLike

from cloudchat.http.raw_response import raw_error
from cloudchat.protocol.close_codes import CloseCode
from cloudchat.rate_limiting.token_bucket import TokenBucket
from cloudchat.realtime.client_frames import is_between_frames, payload_of_text_frame

HANDSHAKE_TIMEOUT_SECONDS = 10.0
CLOSE_TIMEOUT_SECONDS = 5.0
"""How long a peer may take to answer a close frame and to read the rest of its data; then the connection is aborted."""
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
MAX_LINGER_BYTES = 64 * 1024
"""After our close frame, at most this much is parsed in order to find the peer's close frame."""
DEFAULT_SEND_BUFFER_BYTES = 1 << 20
EXTENSION = "cloudchat.socket"
"""The application finds this object at `scope["extensions"][EXTENSION]`."""


class Receiver(Protocol):
    """Receives what happens on an attached socket. Called on the event loop; must not raise."""

    def text_received(self, text: str) -> None:
        """A complete text message has arrived."""

    def drain(self) -> None:
        """The server is stopping: tell the client when to reconnect, and close the socket."""

    def closed(self) -> None:
        """Nothing is received or sent any more. Called once."""


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One socket. The application calls the first group of methods; uvicorn and the event loop call the others."""

    # uvicorn's attributes, too: without a dict, an idle connection is 1 KiB smaller.
    __slots__ = (
        "_between_frames",
        "_control_frames",
        "_early_messages",
        "_lingered_bytes",
        "_lingering",
        "_receiver",
        "app",
        "app_state",
        "asgi_version",
        "client",
        "close_sent",
        "close_timeout",
        "close_timer",
        "config",
        "conn",
        "connections",
        "curr_msg_data_type",
        "default_headers",
        "direct",
        "disconnected",
        "frames",
        "frames_dropped",
        "handshake_complete",
        "handshake_initiated",
        "initial_response",
        "last_ping_rtt",
        "logger",
        "loop",
        "pending_ping_payload",
        "ping_interval",
        "ping_sent_at",
        "ping_timeout",
        "ping_timer",
        "pong_timer",
        "queue",
        "read_paused",
        "request",
        "response",
        "root_path",
        "scheme",
        "scope",
        "send_buffer_bytes",
        "server",
        "tasks",
        "transport",
        "writable",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The library would answer bad handshakes as text/plain and without our headers. It offers no hook for this.
        self.conn.reject = _reject  # type: ignore[method-assign]
        self._receiver: Receiver | None = None
        self._early_messages: list[str] = []
        self.direct = socket.SocketType.__new__(socket.SocketType)
        """For the hub's writes. It has no descriptor, so that `send` raises OSError, while `push` must be used."""
        self._between_frames = False
        """Whether the next byte begins a message for the receiver, whose frame may be read without the parser."""
        self._lingering = False
        self._lingered_bytes = 0
        self._control_frames = TokenBucket(MAX_CONTROL_FRAME_BURST, CONTROL_FRAMES_PER_SECOND, self.loop.time())
        self.send_buffer_bytes = DEFAULT_SEND_BUFFER_BYTES
        self.frames_dropped: Counter[str] | None = None

    # -- for the application ------------------------------------------------------------------------------------------

    def attach(self, receiver: Receiver) -> None:
        """Detach the accepted socket from ASGI: from now on `receiver` gets every message."""
        self._receiver = receiver
        # uvicorn does not read these again; they are half of what an idle connection would hold.
        self.request.headers.clear()  # websockets' parser keeps the request as long as the connection lives
        del self.scope, self.request, self.response
        self.queue = cast("asyncio.Queue[Any]", _DISCARD)
        if self.writable.is_set():
            self.writable = _WRITABLE
        if self.close_sent or self.disconnected:
            self._detach_receiver()
            return
        self._open_direct_writes()
        messages, self._early_messages = self._early_messages, []
        for text in messages:
            if self._receiver is not None:  # an earlier message may have caused a close
                receiver.text_received(text)
        self._resume_reading()

    def push(self, frames: bytes, *, ephemeral: bool = False) -> None:
        """Send complete frames. Does not wait and does not raise. A peer that reads too slowly is closed with 4408.

        Ephemeral frames are dropped while the transport's buffer is more than half full.
        """
        transport = self.transport
        if self.close_sent or transport.is_closing():
            return
        buffered = transport.get_write_buffer_size()
        if buffered:
            if ephemeral and buffered > self.send_buffer_bytes // 2:
                if self.frames_dropped is not None:
                    self.frames_dropped["behind"] += 1
                return
            if buffered + len(frames) > self.send_buffer_bytes:
                self.close(CloseCode.TOO_SLOW)
                return
        transport.write(frames)

    def close(self, code: CloseCode) -> None:
        """Send a close frame, and abort the connection if the peer does not answer within CLOSE_TIMEOUT_SECONDS.

        The receiver's `closed` is called immediately.
        """
        if self.close_sent or self.transport.is_closing() or self.conn.state is not State.OPEN:
            return
        self.conn.send_close(code, code.reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self._linger()

    @property
    def close_code(self) -> int:
        """The close code: ours, or the peer's (which is echoed); 1006 if no close frame was sent."""
        return int(self.conn.close_sent.code) if self.conn.close_sent is not None else 1006

    async def wait_writable(self) -> None:
        """Wait until the transport's buffer is empty."""
        await self.writable.wait()

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

    def connection_lost(self, exc: Exception | None) -> None:
        """Call the receiver's `closed`. The transport closes the descriptor afterwards."""
        super().connection_lost(exc)
        self._detach_receiver()

    def pause_writing(self) -> None:
        """Write everything behind what the transport's buffer contains, and nothing directly."""
        self._close_direct_writes()
        if self.writable is _WRITABLE:
            self.writable = asyncio.Event()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Write directly again: the transport's buffer is empty."""
        super().resume_writing()
        self._open_direct_writes()

    def _open_direct_writes(self) -> None:
        """Give `direct` the transport's descriptor, except with TLS. The transport's buffer is empty."""
        transport = self.transport
        if self.close_sent or transport.is_closing() or transport.get_extra_info("ssl_object") is not None:
            return
        sock = transport.get_extra_info("socket")
        # Always the same object, because the hub keeps it.
        self.direct.__init__(sock.family, sock.type, sock.proto, sock.fileno())  # type: ignore[misc]
        # From now on the transport calls `pause_writing` whenever its buffer is not empty.
        transport.set_write_buffer_limits(high=0)

    def _close_direct_writes(self) -> None:
        """Take the descriptor from `direct`: the transport owns it, and its number may soon be another connection's."""
        self.direct.detach()

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
        # After our close frame, keep reading and discard the data: closing a TCP connection with unread data sends a
        # reset, which can destroy the close frame before the peer has read it.
        if self._lingering:
            self._lingered_bytes += len(data)
            if self.conn.parser_exc is not None or self._lingered_bytes > MAX_LINGER_BYTES:
                return
        super().data_received(data)
        self._between_frames = self._receiver is not None and is_between_frames(self.conn)

    def eof_received(self) -> None:
        """Return None: the transport closes itself once its buffer is written."""
        self._begin_close()

    def handle_close(self, event: Frame) -> None:
        """Answer a close frame; the transport closes once the answer is written."""
        super().handle_close(event)
        self._begin_close()

    def handle_connect(self, event: Request) -> None:
        """Make this object available to the application."""
        super().handle_connect(event)
        if self.response.status_code == 101:
            cast(dict[str, Any], self.scope["extensions"])[EXTENSION] = self

    def handle_parser_exception(self) -> None:
        """Close with the code that the parser chose (1002, 1007, 1009); no more data is parsed or sent."""
        self.transport.write(b"".join(self.conn.data_to_send()))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._linger()

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

    def keepalive_timeout(self) -> None:
        """Abort a peer that stopped answering: a normal close would wait for a flush that never completes."""
        self._close_direct_writes()  # no frame may follow the close frame
        super().keepalive_timeout()
        self.loop.call_later(1, self.transport.abort)

    def shutdown(self) -> None:
        """Let the receiver drain the socket, and abort the connection if that takes too long."""
        if self._receiver is None or self.close_sent:
            super().shutdown()
        else:
            self.stop_keepalive()
            self._receiver.drain()
        self.loop.call_later(CLOSE_TIMEOUT_SECONDS - 1, self.transport.abort)

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

    def _linger(self) -> None:
        self.close_sent = True
        self._lingering = True
        self._resume_reading()
        self._begin_close()

    def _begin_close(self) -> None:
        """Detach the receiver, and abort the connection after CLOSE_TIMEOUT_SECONDS."""
        # The buffered data of a peer that reads nothing is never sent: without a timeout its socket would stay open.
        if self.close_timer is None:
            self.close_timer = self.loop.call_later(CLOSE_TIMEOUT_SECONDS, self.transport.abort)
        self._detach_receiver()

    def _resume_reading(self) -> None:
        if self.read_paused and not self.transport.is_closing():
            self.read_paused = False
            self.transport.resume_reading()

    def _detach_receiver(self) -> None:
        self._between_frames = False
        self._close_direct_writes()
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.closed()


class _DiscardingQueue:
    """The queue of ASGI messages after `attach`: nothing reads them. An `asyncio.Queue` takes 2 KiB."""

    def put_nowait(self, message: object) -> None:
        """Do nothing."""


_DISCARD = _DiscardingQueue()
_WRITABLE = asyncio.Event()
"""Set, and shared by all sockets that were never paused: an `asyncio.Event` takes 760 bytes."""
_WRITABLE.set()


def _reject(status: StatusLike, text: str) -> Response:
    """Return the response to a handshake that the library cannot accept, with our error body and headers."""
    status = HTTPStatus(status)
    headers, body = raw_error(status, text.strip())
    return Response(status.value, status.phrase, Headers(headers), body)
