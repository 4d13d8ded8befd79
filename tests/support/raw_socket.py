"""`RawSocket`: bytes to and from the server's port, for everything that no well-behaved client does."""

import secrets
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

TEXT, BINARY, CLOSE, PING, PONG, CONTINUATION = 1, 2, 8, 9, 10, 0
UPGRADE = (
    "Host: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


@dataclass(frozen=True)
class RawFrame:
    """One received frame."""

    opcode: int
    payload: bytes
    first_byte: int

    @property
    def close_code(self) -> int | None:
        return struct.unpack("!H", self.payload[:2])[0] if self.opcode == CLOSE and self.payload else None


def frame(
    opcode: int, payload: bytes = b"", *, final: bool = True, masked: bool = True, reserved: int = 0, claim: int = -1
) -> bytes:
    """Return one frame. `reserved`: the RSV bits as in the first byte (0x40 is RSV1); `claim`: a false length."""
    length = len(payload) if claim < 0 else claim
    first = (0x80 if final else 0) | reserved | opcode
    mask_bit = 0x80 if masked else 0
    if length < 126:
        head = struct.pack("!BB", first, mask_bit | length)
    elif length < 1 << 16:
        head = struct.pack("!BBH", first, mask_bit | 126, length)
    else:
        head = struct.pack("!BBQ", first, mask_bit | 127, length)
    return head + (bytes(4) if masked else b"") + payload  # a mask of zeros changes nothing


class RawSocket:
    """One TCP connection to the server."""

    def __init__(self, port: int, *, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer is not None:  # before connecting: it determines the window that the kernel offers
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(("127.0.0.1", port))
        self._unread = b""

    @classmethod
    def upgraded(cls, port: int, token: str, *, receive_buffer: int | None = None, extra: str = "") -> Self:
        """Return a socket after a successful handshake, before anything of `welcome` is read."""
        raw = cls(port, receive_buffer=receive_buffer)
        raw.send(raw.request(token, extra=extra))
        head = raw.read_head()
        assert head.startswith(b"HTTP/1.1 101"), head
        raw.head = head
        return raw

    head: bytes = b""

    @staticmethod
    def request(token: str, *, path: str = "/ws", extra: str = "") -> bytes:
        return (
            f"GET {path} HTTP/1.1\r\n{UPGRADE}Sec-WebSocket-Protocol: cloudchat.v1\r\n"
            f"Authorization: Bearer {token}\r\n{extra}\r\n"
        ).encode()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def flood(self, data: bytes, seconds: float = 0.0) -> int:
        """Send `data` until the server accepts nothing for `seconds`; return the number of bytes sent."""
        view, sent = memoryview(data), 0
        self.socket.settimeout(seconds or 5)
        try:
            while sent < len(data):
                sent += self.socket.send(view[sent : sent + (1 << 18)])
        except (TimeoutError, ConnectionError):
            pass
        return sent

    def read_head(self, seconds: float = 10) -> bytes:
        """Return the status line and the headers of a response."""
        while b"\r\n\r\n" not in self._unread:
            if not self._read_more(seconds):
                break
        head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        return head

    def read_frame(self, seconds: float = 10) -> RawFrame | None:
        """Return the next frame; None at the end of the connection. Raises TimeoutError."""
        while True:
            if len(self._unread) >= 2:
                length, start = self._unread[1] & 0x7F, 2
                if length == 126:
                    length, start = struct.unpack("!H", self._unread[2:4].ljust(2, b"\xff"))[0], 4
                elif length == 127:
                    length, start = struct.unpack("!Q", self._unread[2:10].ljust(8, b"\xff"))[0], 10
                if len(self._unread) >= start + length:
                    found = RawFrame(self._unread[0] & 0x0F, self._unread[start : start + length], self._unread[0])
                    self._unread = self._unread[start + length :]
                    return found
            if not self._read_more(seconds):
                return None

    def close_frame(self, seconds: float = 10) -> RawFrame | None:
        """Read until the close frame and return it; None if the connection ends without one. Raises TimeoutError."""
        while (found := self.read_frame(seconds)) is not None and found.opcode != CLOSE:
            pass
        return found

    def read_to_end(self, seconds: float = 10) -> bytes:
        """Return everything until the server closes. Raises TimeoutError if it sends nothing for `seconds`."""
        while self._read_more(seconds):
            pass
        rest, self._unread = self._unread, b""
        return rest

    def reset_on_close(self) -> None:
        """Make `close` send a reset and discard what is unread."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def half_close(self) -> None:
        """Announce the end of what this side sends. Does nothing if the server has reset the connection already."""
        with suppress(OSError):  # ENOTCONN is no ConnectionError
            self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read_more(self, seconds: float) -> bool:
        self.socket.settimeout(seconds)
        try:
            data = self.socket.recv(1 << 18)
        except ConnectionError:
            return False
        self._unread += data
        return bool(data)


def text(value: bytes | str) -> bytes:
    """Return a complete text message, masked with a random key as clients must."""
    payload = value.encode() if isinstance(value, str) else value
    mask = secrets.token_bytes(4)
    unmasked = frame(TEXT, payload)
    head = unmasked[: len(unmasked) - len(payload) - 4]
    return head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
