"""WebSocket frames as a server sends them: unmasked text in one fragment (RFC 6455 §5.2).

A separate module, because the relay, the room feeds and the connections frame events, and none of them needs a socket.
"""

import struct


def text_frame(payload: bytes) -> bytes:
    """Return the frame of one event. Build it once: every member is sent the same bytes."""
    length = len(payload)
    if length < 126:
        return b"\x81" + bytes((length,)) + payload
    if length < 65536:
        return struct.pack("!BBH", 0x81, 126, length) + payload
    return struct.pack("!BBQ", 0x81, 127, length) + payload
