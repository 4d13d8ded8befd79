"""A client that does not read: only its socket is closed, and it recovers from its position."""

import json
import socket

from websockets.frames import Frame, Opcode

from faults.checker import violations
from faults.crowd import ENVIRONMENT, Crowd
from faults.observations import Event
from support.accounts import Account, register
from support.server import RunningServer
from support.socket import ChatSocket

MIN_ACKS = 50
MEBIBYTE = 1 << 20


class StalledReader:
    """Join the lobby, and then do not read. Implemented by hand, because a library would read ahead."""

    def __init__(self, server: RunningServer, account: Account) -> None:
        self._socket = socket.socket()
        # Before connecting, so that the window stays small.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.connect(("127.0.0.1", server.port))
        self._socket.settimeout(20)
        lines = [
            "GET /ws HTTP/1.1",
            f"Host: 127.0.0.1:{server.port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            "Sec-WebSocket-Protocol: cloudchat.v1",
            f"Authorization: Bearer {account.access_token}",
        ]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self._received = bytearray()
        self._read_until(b'"welcome"')
        join = json.dumps({"type": "join", "id": "j", "room": "lobby", "limit": 1}).encode()
        self._socket.sendall(Frame(Opcode.TEXT, join).serialize(mask=True))
        self._read_until(b'"joined"')

    def _read_until(self, word: bytes) -> None:
        while word not in self._received:
            data = self._socket.recv(1024)
            assert data, bytes(self._received)
            self._received += data

    def read_to_end(self) -> list[tuple[int, bytes]]:
        """Return every complete frame until the server closes, as (opcode, payload)."""
        try:
            while data := self._socket.recv(1 << 16):
                self._received += data
        except ConnectionResetError:
            pass
        self._socket.close()
        return parse_frames(bytes(self._received).partition(b"\r\n\r\n")[2])


def parse_frames(data: bytes) -> list[tuple[int, bytes]]:
    """Parse the unmasked, unfragmented frames of a server (RFC 6455 §5.2), without an incomplete last one."""
    frames = []
    offset = 0
    while offset + 2 <= len(data):
        length, start = data[offset + 1], offset + 2
        if length >= 126:
            size = 2 if length == 126 else 8
            length, start = int.from_bytes(data[start : start + size]), start + size
        if start + length > len(data):
            break
        frames.append((data[offset] & 15, data[start : start + length]))
        offset = start + length
    return frames


def test_only_the_client_that_does_not_read_is_closed_and_it_recovers() -> None:
    environment = {**ENVIRONMENT, "CLOUDCHAT_SEND_BUFFER_BYTES": str(MEBIBYTE // 8)}
    with RunningServer(environment=environment) as server:
        account = register(server.url)
        stalled = StalledReader(server, account)
        with Crowd(server.ws_url, account, text_chars=3900) as crowd:
            # Send more than all buffers can hold: the server's send buffer, and the kernel's for both sides.
            while crowd.acks * 3900 * 2 < 8 * MEBIBYTE:
                crowd.wait_for_acks(MIN_ACKS)
            frames = stalled.read_to_end()
            texts = [payload.decode() for opcode, payload in frames if opcode == Opcode.TEXT]
            seen = [Event.of(text) for text in texts if json.loads(text)["type"] == "message"]
            crowd.wait_for_acks(MIN_ACKS)
            observed = crowd.finish()
        closes = [int.from_bytes(payload[:2]) for opcode, payload in frames if opcode == Opcode.CLOSE]
        assert closes in ([4408], []), closes  # none if the server's close timeout ended first
        assert len(seen) < len(observed.log), "the reader was never closed"
        assert [event.raw for event in seen] == [event.raw for event in observed.log[: len(seen)]]
        with ChatSocket(server.ws_url, account.access_token) as resumed:
            resumed.receive()
            position = {"epoch": seen[-1].epoch, "seq": seen[-1].seq}
            joined = resumed.join(after=position)
            assert joined["seq"] == observed.log[-1].seq
            assert joined["status"] == "recovered"
            missed = [resumed.receive() for _ in range(joined["seq"] - seen[-1].seq)]
            assert [frame["seq"] for frame in missed] == list(range(seen[-1].seq + 1, joined["seq"] + 1))
            assert resumed.raw[-1] == observed.log[-1].raw
    assert violations(observed) == []
    assert set(crowd.connections.values()) == {1}, "another client was closed, too"
