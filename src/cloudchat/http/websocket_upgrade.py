"""A request that asks for a WebSocket, and its checks (RFC 6455 §4.2.1), on headers that the HTTP parser has read.

websockets would parse each header with regular expressions, and build its own objects of the request and the response:
a tenth of the CPU time of an opening. It still parses all frames.
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Sequence
from hashlib import sha1
from http import HTTPStatus

from msgspec import Struct

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3
_KEY_BYTES = 16
_ONCE = frozenset({b"sec-websocket-key", b"sec-websocket-version", b"upgrade", b"origin", b"content-length"})
"""Two values would let a proxy and the server decide by different ones."""


Headers = Sequence[tuple[bytes, bytes]]
"""Header names are in lower case."""


class UpgradeRequest(Struct, frozen=True):
    """A valid handshake, and the connection that it came by: as in the scope of ASGI, but for `accept_key`."""

    url: bytes
    headers: Headers
    accept_key: bytes
    """The value of `Sec-WebSocket-Accept` in the response."""
    scheme: str
    client: tuple[str, int] | None
    server: tuple[str, int | None] | None


class BadUpgrade(Exception):
    """The request is not a valid handshake; `status` and the message are the answer."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


def accept_key_of(headers: Headers) -> bytes:
    """Return the value of `Sec-WebSocket-Accept` for a request.

    The HTTP protocol has checked the method, `Host`, `Connection` and the value of `Upgrade`. Raises `BadUpgrade`.
    """
    values: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _ONCE:
            if name in values:
                raise BadUpgrade(HTTPStatus.BAD_REQUEST, f"send one header {name.decode()}")
            values[name] = value.strip(b" \t")
        elif name == b"transfer-encoding":
            raise _has_body()
    if values.get(b"content-length", b"0") != b"0":
        raise _has_body()
    version = values.get(b"sec-websocket-version")
    if version is None:
        raise BadUpgrade(HTTPStatus.BAD_REQUEST, "send the header sec-websocket-version")
    if version != b"13":
        raise BadUpgrade(HTTPStatus.UPGRADE_REQUIRED, "the WebSocket version must be 13 (RFC 6455)")
    return _accept_key(values.get(b"sec-websocket-key", b""))


def _accept_key(key: bytes) -> bytes:
    try:
        is_valid = len(b64decode(key, validate=True)) == _KEY_BYTES
    except binascii.Error:
        is_valid = False
    if not is_valid:
        raise BadUpgrade(HTTPStatus.BAD_REQUEST, "sec-websocket-key must be 16 bytes in base64 (RFC 6455 §4.1)")
    return b64encode(sha1(key + _GUID, usedforsecurity=False).digest())


def _has_body() -> BadUpgrade:
    return BadUpgrade(HTTPStatus.BAD_REQUEST, "a WebSocket handshake has no body")
