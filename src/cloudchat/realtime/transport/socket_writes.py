"""What is written to a socket: by the hub directly to its descriptor, by everything else through the transport.

Both never mix: while a byte is in the transport's buffer, the hub has no descriptor. `WebSocketProtocol` is the whole
socket, and states the contract with uvicorn.
"""

import asyncio
import socket
from abc import abstractmethod
from collections import Counter
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from cloudchat.protocol.close_codes import CloseCode

DEFAULT_SEND_BUFFER_BYTES = 1 << 20
_WRITABLE = asyncio.Event()
"""Set, and shared by all sockets that are not paused: an `asyncio.Event` takes 760 bytes."""
_WRITABLE.set()


class SocketWrites(WebSocketsSansIOProtocol):
    """The part of a socket that writes frames."""

    # uvicorn's attributes, too: without a dict, an idle connection is 1 KiB smaller.
    __slots__ = (
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
        self.direct = socket.SocketType.__new__(socket.SocketType)
        """For the hub's writes. It has no descriptor, so that `send` raises OSError, while `push` must be used."""
        self.send_buffer_bytes = DEFAULT_SEND_BUFFER_BYTES
        self.frames_dropped: Counter[str] | None = None

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

    @abstractmethod
    def close(self, code: CloseCode) -> None:
        """Close the socket."""

    async def wait_writable(self) -> None:
        """Wait until the transport's buffer is empty."""
        await self.writable.wait()

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
        if self.writable.is_set():
            self.writable = _WRITABLE
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
