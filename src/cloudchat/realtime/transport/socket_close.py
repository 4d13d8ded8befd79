"""How a socket ends: by us, by the peer, or because the peer does not answer.

Whatever happens, the receiver's `closed` is called once, and the connection is gone within `CLOSE_TIMEOUT_SECONDS`.
"""

from typing import Any, Protocol

from websockets.frames import Frame
from websockets.protocol import State

from cloudchat.protocol.close_codes import CloseCode
from cloudchat.realtime.transport.socket_writes import SocketWrites

CLOSE_TIMEOUT_SECONDS = 5.0
"""How long a peer may take to answer a close frame and to read the rest of its data; then the connection is aborted."""
MAX_LINGER_BYTES = 64 * 1024
"""After our close frame, at most this much is parsed in order to find the peer's close frame."""


class Receiver(Protocol):
    """Receives what happens on an attached socket. Called on the event loop; must not raise."""

    def text_received(self, text: str) -> None:
        """A complete text message has arrived."""

    def drain(self) -> None:
        """The server is stopping: tell the client when to reconnect, and close the socket."""

    def closed(self) -> None:
        """Nothing is received or sent any more. Called once."""


class SocketClose(SocketWrites):
    """The part of a socket that closes it."""

    __slots__ = ("_between_frames", "_lingered_bytes", "_lingering", "_receiver")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._receiver: Receiver | None = None
        self._between_frames = False
        """Whether the next byte begins a message for the receiver, whose frame may be read without the parser."""
        self._lingering = False
        self._lingered_bytes = 0

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

    # -- called by uvicorn and the event loop -------------------------------------------------------------------------

    def connection_lost(self, exc: Exception | None) -> None:
        """Call the receiver's `closed`. The transport closes the descriptor afterwards."""
        super().connection_lost(exc)
        self._detach_receiver()

    def eof_received(self) -> None:
        """Return None: the transport closes itself once its buffer is written."""
        self._begin_close()

    def handle_close(self, event: Frame) -> None:
        """Answer a close frame; the transport closes once the answer is written."""
        super().handle_close(event)
        self._begin_close()

    def handle_parser_exception(self) -> None:
        """Close with the code that the parser chose (1002, 1007, 1009); no more data is parsed or sent."""
        self.transport.write(b"".join(self.conn.data_to_send()))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._linger()

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

    # -- internal -----------------------------------------------------------------------------------------------------

    def _is_too_late(self, data: bytes) -> bool:
        """Return whether received data need not be parsed: it cannot have the peer's answer to our close frame.

        It is read and discarded all the same: closing a TCP connection with unread data sends a reset, which can
        destroy the close frame before the peer has read it.
        """
        if not self._lingering:
            return False
        self._lingered_bytes += len(data)
        return self.conn.parser_exc is not None or self._lingered_bytes > MAX_LINGER_BYTES

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
