"""RFC 6455 frames, as little of them as a load generator needs.

Client frames are masked with the key zero: valid on the wire (section 5.3 asks for a mask, the server must unmask), and
the payload stays as it is, so that masking costs the generator nothing.
"""

from typing import Final

TEXT: Final = 0x1
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA


def client_frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """One whole client-to-server frame of at most 65535 payload bytes."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, 0x80 | size))
    elif size < 65536:
        head = bytes((0x80 | opcode, 0x80 | 126)) + size.to_bytes(2, "big")
    else:
        raise ValueError("a benchmark frame has at most 65535 bytes")
    return head + b"\0\0\0\0" + payload


def split_frames(data: bytes) -> tuple[list[tuple[int, bytes, int]], bytes]:
    """The whole server frames in `data` as (opcode, payload, bytes on the wire), and the rest that is still incomplete.

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
