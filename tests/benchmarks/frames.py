"""RFC 6455 frames for a load generator that has about one microsecond for each: as little parsing as possible.

Client frames are masked with the key zero. This is valid on the wire (RFC 6455 §5.3 demands a mask, and the server must
unmask), the payload stays as it is, and masking costs the generator nothing.
"""

from typing import Final

TEXT: Final = 0x1
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA
_NO_LENGTH = 1 << 62  # divides no read


def client_frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """Return one complete client-to-server frame with at most 65535 bytes of payload."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, 0x80 | size))
    elif size < 65536:
        head = bytes((0x80 | opcode, 0x80 | 126)) + size.to_bytes(2, "big")
    else:
        raise ValueError("a benchmark frame has at most 65535 bytes")
    return head + b"\0\0\0\0" + payload


def split_frames(data: bytes) -> tuple[list[tuple[int, bytes, int]], bytes]:
    """Return the complete server frames in `data` as (opcode, payload, bytes on the wire), and the incomplete rest.

    Servers do not mask, and neither server here fragments its messages.
    """
    frames: list[tuple[int, bytes, int]] = []
    start, end = 0, len(data)
    while end - start >= 2:
        size, body = data[start + 1], start + 2
        if size == 126:
            body = start + 4
            size = int.from_bytes(data[start + 2 : body], "big")
        elif size == 127:
            body = start + 10
            size = int.from_bytes(data[start + 2 : body], "big")
        after = body + size
        if body > end or after > end:
            break
        frames.append((data[start] & 0x0F, data[body:after], after - start))
        start = after
    return frames, data[start:]


class MessageCounter:
    """Count the messages with `marker` that one connection receives.

    500 connections with a million deliveries per second leave far too little time to parse every frame. The messages of
    one run have the same length, except for the digits of seq. So a read is counted by division if its size is a
    multiple of that length, and if its first and its last frame have the expected header. Every other read (a part of a
    frame, an ack, a ping, a longer seq) is parsed, and sets the new length. `Load.finish` checks the sums: each member
    must have counted each message exactly once.
    """

    __slots__ = ("_frame_bytes", "_header", "_marker", "_rest", "others", "received")

    def __init__(self, marker: bytes, rest: bytes = b"") -> None:
        self.received = 0
        self.others: list[tuple[int, bytes]] = []  # (opcode, payload), for the owner to answer and to clear
        self._marker = marker
        self._rest = rest
        self._frame_bytes = _NO_LENGTH
        self._header = b""

    def count(self, data: bytearray, size: int) -> int:
        """Read the first `size` bytes of `data`; return how many messages they complete."""
        frame = self._frame_bytes
        if (
            size % frame == 0
            and not self._rest
            and data.startswith(self._header)
            and data.startswith(self._header, size - frame)
        ):
            messages = size // frame
            self.received += messages
            return messages
        return len(self.messages(data, size))

    def messages(self, data: bytearray, size: int) -> list[bytes]:
        """Parse the first `size` bytes of `data`; return the payloads of the messages that they complete."""
        with memoryview(data) as view:
            chunk = self._rest + bytes(view[:size])
        frames, self._rest = split_frames(chunk)
        found: list[bytes] = []
        for opcode, payload, length in frames:
            if opcode == TEXT and self._marker in payload:
                found.append(payload)
                if length != self._frame_bytes:
                    self._frame_bytes = length
                    self._header = _server_header(len(payload))
            else:
                self.others.append((opcode, payload))
        self.received += len(found)
        return found


def _server_header(size: int) -> bytes:
    if size < 126:
        return bytes((0x80 | TEXT, size))
    if size < 65536:
        return bytes((0x80 | TEXT, 126)) + size.to_bytes(2, "big")
    return bytes((0x80 | TEXT, 127)) + size.to_bytes(8, "big")
