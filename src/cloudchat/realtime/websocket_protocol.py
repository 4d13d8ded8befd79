"""The socket itself: uvicorn's sans-I/O WebSocket protocol, hardened, with a way past ASGI for frames.

ASGI hands over one message at a time, each through a queue and two task switches, and pauses reading in between. Here
the application is asked once, whether to accept; then it `attach`es a receiver, its coroutine ends, and frames go
straight from the parser to the receiver and from the hub to the file descriptor. An idle connection costs no task.

uvicorn is pinned to the exact version whose methods are overridden here.
"""

import asyncio
import os
from collections import Counter
from http import HTTPStatus
from typing import Any, Protocol, cast

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.datastructures import Headers
from websockets.frames import Frame
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.typing import StatusLike

from cloudchat.http.raw_response import raw_error
from cloudchat.protocol.close_codes import CloseCode
from cloudchat.rate_limiting.token_bucket import TokenBucket

HANDSHAKE_SECONDS = 10.0
CLOSE_SECONDS = 5.0
"""So long a peer may take to answer a close, or to read what is left; then the connection is cut."""
MAX_FRAGMENTS = 64
MAX_EARLY_FRAMES = 64
PONG_BUFFER_BYTES = 64 * 1024
CONTROL_FRAMES_AT_ONCE = 100
CONTROL_FRAMES_PER_SECOND = 20
SLICE_BYTES = 4096
"""The loop reads up to 256 KiB at once: 40,000 tiny frames, none of which is parsed after the one that was too many."""
LINGER_BYTES = 64 * 1024
"""So much is parsed after our close, to find the peer's."""
DEFAULT_OUTBOX_BYTES = 1 << 20
EXTENSION = "cloudchat.socket"
"""Where the application finds this object: `scope["extensions"][EXTENSION]`."""


class Receiver(Protocol):
    """Who is told what happens on a socket. Called on the event loop; must not raise."""

    def received(self, text: str) -> None:
        """A whole text message has come."""

    def draining(self) -> None:
        """The server stops: say goodbye and close."""

    def lost(self) -> None:
        """Nothing comes or goes any more. Called once."""


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One socket. `push` and `close` are for the application, everything else is called by uvicorn and the loop."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The library makes its answers to bad handshakes here, as text/plain and without our headers; there is no hook.
        self.conn.reject = _reject  # type: ignore[method-assign]
        self._receiver: Receiver | None = None
        self._early: list[str] = []
        self._fd = -1
        self._lingering = False
        self._lingered = 0
        self._control = TokenBucket(CONTROL_FRAMES_AT_ONCE, CONTROL_FRAMES_PER_SECOND, self.loop.time())
        self.outbox_bytes = DEFAULT_OUTBOX_BYTES
        self.dropped: Counter[str] | None = None

    # -- for the application ------------------------------------------------------------------------------------------

    def attach(self, receiver: Receiver) -> None:
        """Take the accepted socket out of ASGI's hands: from now on `receiver` gets every message."""
        self._receiver = receiver
        # Nobody asks for these again, and they are half of what an idle connection would hold.
        del self.scope, self.request, self.response
        if self.close_sent or self.disconnected:
            self._leave()
            return
        early, self._early = self._early, []
        for text in early:
            if self._receiver is not None:  # an early frame may have been a reason to close
                receiver.received(text)
        self._resume()

    def push(self, frames: bytes, *, ephemeral: bool = False) -> None:
        """Send whole frames. Never waits, never raises; a peer that reads too slowly is closed with 4408.

        While the transport holds nothing, the bytes go straight to the file descriptor, which is 15–30 % faster; what
        the kernel does not take goes through the transport. Ephemeral frames are dropped at half the outbox.
        """
        transport = self.transport
        if self.close_sent or transport.is_closing():
            return
        waiting = transport.get_write_buffer_size()
        if waiting:
            if ephemeral and waiting > self.outbox_bytes // 2:
                if self.dropped is not None:
                    self.dropped["behind"] += 1
                return
            if waiting + len(frames) > self.outbox_bytes:
                self.close(CloseCode.TOO_SLOW)
                return
        elif self._fd >= 0:
            try:
                sent = os.write(self._fd, frames)
            except BlockingIOError:
                sent = 0
            except OSError:
                transport.abort()
                return
            if sent == len(frames):
                return
            frames = frames[sent:]
        transport.write(frames)

    def close(self, code: CloseCode) -> None:
        """Send a close frame and give the peer a few seconds; the receiver is told at once that it is over."""
        if self.close_sent or self.transport.is_closing() or self.conn.state is not State.OPEN:
            return
        self.conn.send_close(code, code.reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self._linger()

    @property
    def closed_with(self) -> int:
        """The close code, ours or the peer's, which is answered with the same; 1006 if neither closed."""
        return int(self.conn.close_sent.code) if self.conn.close_sent is not None else 1006

    async def writable_again(self) -> None:
        """Wait until the transport has room, as ASGI's `send` would."""
        await self.writable.wait()

    # -- from here on: what uvicorn calls -----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the handshake's time; remember the descriptor unless TLS is between us and it."""
        super().connection_made(transport)
        if transport.get_extra_info("ssl_object") is None:
            self._fd = transport.get_extra_info("socket").fileno()
        self.loop.call_later(HANDSHAKE_SECONDS, self._check_handshake)

    def _check_handshake(self) -> None:
        if not self.handshake_complete:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the receiver."""
        super().connection_lost(exc)
        self._leave()

    def data_received(self, data: bytes) -> None:
        """Parse by slices, so that what stands behind a reason to close is not parsed any more."""
        for start in range(0, len(data), SLICE_BYTES):
            self._parse(data[start : start + SLICE_BYTES] if len(data) > SLICE_BYTES else data)
            if self.transport.is_closing():
                return

    def _parse(self, data: bytes) -> None:
        # After a close, read on and throw away, so that the close frame is not lost to a TCP reset.
        if self._lingering:
            self._lingered += len(data)
            if self.conn.parser_exc is not None or self._lingered > LINGER_BYTES:
                return
        super().data_received(data)
        # Too many or too long headers: uvicorn answers nothing and would hold the descriptor for ever.
        if not self.handshake_initiated and self.conn.handshake_exc is not None:
            answer = b"".join(self.conn.data_to_send())
            self.transport.write(answer or _reject(HTTPStatus.BAD_REQUEST, str(self.conn.handshake_exc)).serialize())
            self.transport.close()

    def eof_received(self) -> None:
        """None: the transport closes itself, as soon as it has sent what waits."""
        self._let_go()

    def handle_close(self, event: Frame) -> None:
        """Answer; the transport closes as soon as the answer is sent."""
        super().handle_close(event)
        self._let_go()

    def handle_connect(self, event: Request) -> None:
        """Let the application find this object."""
        super().handle_connect(event)
        if self.response.status_code == 101:
            cast(dict[str, Any], self.scope["extensions"])[EXTENSION] = self

    def handle_parser_exception(self) -> None:
        """Close with the code that the parser chose (1002, 1007, 1009), and linger: nothing more is parsed or said."""
        self.transport.write(b"".join(self.conn.data_to_send()))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._linger()

    def handle_bytes(self, event: Frame) -> None:
        """Refuse binary."""
        self.close(CloseCode.UNSUPPORTED_DATA)

    def handle_cont(self, event: Frame) -> None:
        """Bound the fragments of a message: empty ones cost their sender nothing and us a list item each."""
        if self.close_sent:
            return
        if len(self.frames) >= MAX_FRAGMENTS:
            self.close(CloseCode.TOO_LARGE)
            return
        super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        """A whole message is here: hand it on, without ASGI's queue."""
        data = self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)
        self.frames = []
        if self.close_sent:
            return
        try:
            text = str(data, "utf-8")
        except UnicodeDecodeError:
            self.close(CloseCode.INVALID_TEXT)
            return
        if self._receiver is not None:
            self._receiver.received(text)
        elif len(self._early) < MAX_EARLY_FRAMES:
            self._early.append(text)
            if not self.read_paused:
                self.read_paused = True
                self.transport.pause_reading()
        else:
            self.close(CloseCode.FLOODING)

    def handle_ping(self) -> None:
        """Answer, unless the peer pings without ever reading the answers (92 MB in 4 s from one connection)."""
        if self.transport.get_write_buffer_size() > PONG_BUFFER_BYTES:
            self.transport.abort()
        elif not self._floods():
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        """Note an answer; unasked ones are allowed, but cost as much as commands."""
        if not self._floods():
            super().handle_pong(event)

    def _floods(self) -> bool:
        if not self._control.take(self.loop.time()):
            return False
        self.close(CloseCode.FLOODING)
        return True

    def keepalive_timeout(self) -> None:
        """Cut a peer that stopped answering: a polite close would wait for a flush that never comes."""
        super().keepalive_timeout()
        self.loop.call_later(1, self.transport.abort)

    def shutdown(self) -> None:
        """Let an attached receiver say goodbye, and never wait for long."""
        if self._receiver is None or self.close_sent:
            super().shutdown()
        else:
            self.stop_keepalive()
            self._receiver.draining()
        self.loop.call_later(CLOSE_SECONDS - 1, self.transport.abort)

    async def run_asgi(self) -> None:
        """Ask the application; a socket that it attached lives on without it."""
        try:
            await self.app(self.scope, self.receive, self.send)
        except ClientDisconnected:
            pass  # gone before it was accepted: nobody is left to be answered
        except BaseException:
            self.logger.exception("the application failed during the handshake")
            self.send_500_response()
        if self._receiver is None and self.close_timer is None:
            self.transport.close()

    def _linger(self) -> None:
        self.close_sent = True
        self._lingering = True
        self._resume()
        self._let_go()

    def _let_go(self) -> None:
        # To a peer that reads nothing, what waits is never sent: without an end its socket would be held for ever.
        if self.close_timer is None:
            self.close_timer = self.loop.call_later(CLOSE_SECONDS, self.transport.abort)
        self._leave()

    def _resume(self) -> None:
        if self.read_paused and not self.transport.is_closing():
            self.read_paused = False
            self.transport.resume_reading()

    def _leave(self) -> None:
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.lost()


def _reject(status: StatusLike, text: str) -> Response:
    """What the library answers to a handshake that it can't accept: with the error body instead of its own."""
    status = HTTPStatus(status)
    headers, body = raw_error(status, text.strip())
    return Response(status.value, status.phrase, Headers(headers), body)
