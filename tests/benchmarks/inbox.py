"""Counting the room's messages in the bytes of one connection.

500 connections at a million deliveries per second leave the generator about a microsecond for each, far too little to
look at every frame. The messages of one run have the same length (but for the digits of seq), so a read that is a
multiple of that length and shows the known header at its first and its last frame is counted by division. Every other
read (a part of a frame, an ack, a ping, seq one digit longer) is taken apart, and teaches the new length. The load
checks the sums at the end: each member must have counted each message exactly once.
"""

from benchmarks.frames import TEXT, split_frames

_NEVER = 1 << 62  # divides no read


class Inbox:
    """What one connection has received: the number of messages that carry `marker`, and everything else."""

    __slots__ = ("_frame", "_header", "_marker", "_rest", "others", "received")

    def __init__(self, marker: bytes, rest: bytes = b"") -> None:
        self.received = 0
        self.others: list[tuple[int, bytes]] = []  # (opcode, payload) for the owner to answer and to clear
        self._marker = marker
        self._rest = rest
        self._frame = _NEVER
        self._header = b""

    def count(self, data: bytearray, size: int) -> int:
        """Take the first `size` bytes of `data`; return how many messages they completed."""
        frame = self._frame
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
        """Take the first `size` bytes of `data` frame by frame; return the payloads of the messages they completed."""
        with memoryview(data) as view:
            chunk = self._rest + bytes(view[:size])
        frames, self._rest = split_frames(chunk)
        found: list[bytes] = []
        for opcode, payload, length in frames:
            if opcode == TEXT and self._marker in payload:
                found.append(payload)
                if length != self._frame:
                    self._frame = length
                    self._header = _header(len(payload))
            else:
                self.others.append((opcode, payload))
        self.received += len(found)
        return found


def _header(size: int) -> bytes:
    if size < 126:
        return bytes((0x80 | TEXT, size))
    if size < 65536:
        return bytes((0x80 | TEXT, 126)) + size.to_bytes(2, "big")
    return bytes((0x80 | TEXT, 127)) + size.to_bytes(8, "big")
