"""The messages that a member sends to each of the two servers to open its socket, to join and to send."""

import json
import uuid
from collections.abc import Sequence
from typing import Protocol

_KEY = "AAAAAAAAAAAAAAAAAAAAAA=="  # any 16 bytes; the generator does not check the digest in the answer


def _upgrade(path: str, port: int, *headers: str) -> bytes:
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {_KEY}",
        *headers,
        "",
        "",
    )
    return "\r\n".join(lines).encode()


class Dialect(Protocol):
    """The messages of one server. `member` counts the connections from 0."""

    name: str

    def upgrade(self, member: int, port: int) -> bytes:
        """Return the HTTP request that opens the socket."""

    def join(self) -> bytes:
        """Return the payload that joins; empty if the upgrade alone joins."""

    def is_joined(self, payload: bytes) -> bool:
        """Return whether this frame confirms that the member has joined."""

    def send(self, text: str) -> bytes:
        """Return the payload that sends `text`."""


class PlainDialect:
    name = "plain"

    def upgrade(self, member: int, port: int) -> bytes:
        return _upgrade(f"/ws/{10_000 + member}", port)  # five digits each, so that all frames have one length

    def join(self) -> bytes:
        return b""

    def is_joined(self, payload: bytes) -> bool:
        return True

    def send(self, text: str) -> bytes:
        return text.encode()


class CloudchatDialect:
    name = "cloudchat"

    def __init__(self, tokens: Sequence[str], room: str = "lobby") -> None:
        self._tokens = tokens
        self._room = room
        self._sends = 0
        self._cid = str(uuid.uuid4())[:24]

    def upgrade(self, member: int, port: int) -> bytes:
        token = self._tokens[member % len(self._tokens)]
        return _upgrade("/ws", port, "Sec-WebSocket-Protocol: cloudchat.v1", f"Authorization: Bearer {token}")

    def join(self) -> bytes:
        return json.dumps({"type": "join", "id": "join", "room": self._room, "limit": 1}).encode()

    def is_joined(self, payload: bytes) -> bool:
        return bool(json.loads(payload)["type"] == "joined")

    def send(self, text: str) -> bytes:
        self._sends += 1
        cid = f"{self._cid}{self._sends:012x}"
        return f'{{"type":"send","room":"{self._room}","cid":"{cid}","text":"{text}"}}'.encode()
