"""WebSocket frames as a server sends them: unmasked, unfragmented text (RFC 6455, section 5.2)."""

import struct


def text_frame(payload: bytes) -> bytes:
    """The frame of one event. Made once; the same bytes go to everybody."""
    length = len(payload)
    if length < 126:
        return b"\x81" + bytes((length,)) + payload
    if length < 65536:
        return struct.pack("!BBH", 0x81, 126, length) + payload
    return struct.pack("!BBQ", 0x81, 127, length) + payload
