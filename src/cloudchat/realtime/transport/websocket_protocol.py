"""uvicorn's sans-I/O WebSocket protocol, hardened, with a path for frames that does not pass through ASGI.

ASGI hands over one message at a time, each through a queue and two task switches, and pauses reading in between. Here
ASGI carries only the handshake. Then the application `attach`es a receiver and its coroutine ends. Frames go straight
from the parser to the receiver, and from the hub to the file descriptor. An idle connection costs no task.

The contract with uvicorn
=========================
`WebSocketsSansIOProtocol` is a private class, so uvicorn and websockets are pinned to exact versions. This class and
its bases (`socket_writes.py`, `socket_close.py`, `socket_handshake.py`) rely on the following;
`tests/unit/realtime/transport/test_uvicorn_contract.py` has one test for each item.

Construction and life cycle:

- The HTTP protocol (`http/http_protocol.py`) creates the class with `config`, `server_state` and `app_state`, and calls
  `take_over`. uvicorn's own `connection_made` and `handle_connect` are not called.
- `stop_keepalive` cancels `ping_timer`, which only the keepalive uses; `connection_lost` and `shutdown` call it.
- On shutdown the server calls `shutdown()` of each protocol in `server_state.connections`.
- `connection_lost` removes it from there, sets `disconnected`, stops the keepalive, cancels `close_timer`, and sets
  `writable` so that no `send` waits for a transport that is gone.
- `pause_writing` and `resume_writing` clear and set the event `writable`; nothing else clears it.
- With `set_write_buffer_limits(high=0)` the transport (of uvloop, and of asyncio) calls `pause_writing` when a byte
  stays in its buffer, and `resume_writing` when the buffer is empty. It closes its descriptor after `connection_lost`
  (tests in `test_direct_writes.py`).
- `eof_received` returns None, so that asyncio closes the transport once its buffer is written.

Handshake:

- `conn` is a `websockets.ServerProtocol`. `send_500_response` builds its response by `conn.reject(status, text)`, which
  is replaced here by one with our error body.
- `websockets.protocol.Protocol.parse(conn)` parses frames only, and `conn.state` says whether frames can be sent;
  `ServerProtocol.parse` parses a request before them.
- `shutdown` and `send` read `handshake_complete`; `send` and `run_asgi` read `scope`. The scope of `take_over` is the
  one that `handle_connect` would build, with this object in its `extensions`.
- `run_asgi` is the only caller of the application, and `on_task_complete` removes its task from `tasks`.
- After the handshake nothing reads `scope`: `attach` deletes it. uvicorn only puts into `queue` from then on, without
  waiting. `request` and `response`, which `handle_connect` sets, are never read.
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
from typing import Any, cast

from websockets.frames import Frame

from cloudchat.protocol.close_codes import CloseCode
from cloudchat.rate_limiting.token_bucket import TokenBucket
from cloudchat.realtime.transport.client_frames import is_between_frames, payload_of_text_frame
from cloudchat.realtime.transport.socket_close import Receiver
from cloudchat.realtime.transport.socket_handshake import SocketHandshake

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


class WebSocketProtocol(SocketHandshake):
    """One socket. The application calls the first group of methods; uvicorn and the event loop call the others."""

    __slots__ = ("_control_frames", "_early_messages")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._early_messages: list[str] = []
        self._control_frames = TokenBucket(MAX_CONTROL_FRAME_BURST, CONTROL_FRAMES_PER_SECOND, self.loop.time())

    # -- for the application ------------------------------------------------------------------------------------------

    def attach(self, receiver: Receiver) -> None:
        """Detach the accepted socket from ASGI: from now on `receiver` gets every message."""
        self._receiver = receiver
        del self.scope, self._accept_key  # neither is read again, and the scope is half of an idle connection
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


class _DiscardingQueue:
    """The queue of ASGI messages after `attach`: nothing reads them. An `asyncio.Queue` takes 2 KiB."""

    def put_nowait(self, message: object) -> None:
        """Do nothing."""


_DISCARD = _DiscardingQueue()
