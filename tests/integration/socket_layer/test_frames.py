"""Frames that RFC 6455 or the protocol forbids: the close code, and that the connection is freed."""

import struct
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from support.accounts import Account
from support.raw_socket import BINARY, CLOSE, CONTINUATION, PING, TEXT, RawSocket, frame, text
from support.server import RunningServer
from support.socket import ChatSocket


def close(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, struct.pack("!H", code) + reason)


KIB = 1024
VIOLATIONS = {
    "not masked": (frame(TEXT, b"{}", masked=False), 1002),
    "RSV1, as a deflated message has": (frame(TEXT, b"{}", reserved=0x40), 1002),
    "RSV2": (frame(TEXT, b"{}", reserved=0x20), 1002),
    "RSV3": (frame(PING, reserved=0x10), 1002),
    "a reserved opcode": (frame(3), 1002),
    "a reserved control opcode": (frame(11), 1002),
    "a ping of 126 bytes": (frame(PING, bytes(126)), 1002),
    "a ping in fragments": (frame(PING, final=False), 1002),
    "a continuation of nothing": (frame(CONTINUATION, b"{}"), 1002),
    "a message within a message": (frame(TEXT, b"{", final=False) + frame(TEXT, b"}"), 1002),
    "a close of one byte": (frame(CLOSE, b"\x03"), 1002),
    "a close of 126 bytes": (frame(CLOSE, b"\x03\xe8" + bytes(124)), 1002),
    "close code 0": (close(0), 1002),
    "close code 999": (close(999), 1002),
    "close code 1004": (close(1004), 1002),
    "close code 1005": (close(1005), 1002),
    "close code 1006": (close(1006), 1002),
    "close code 1015": (close(1015), 1002),
    "close code 2999": (close(2999), 1002),
    "close code 5000": (close(5000), 1002),
    "a reason that is not UTF-8": (close(1000, b"\xff"), 1007),
    "text that is not UTF-8": (text(b'{"type":"\xff"}'), 1007),
    "a surrogate as UTF-8": (text(b'{"type":"\xed\xa0\x80"}'), 1007),
    "half a character": (text(b"\xe2\x82"), 1007),
    "binary": (frame(BINARY, b"{}"), 1003),
    "one byte too many": (text(b" " * (64 * KIB + 1)), 1009),
    "one byte too many in two fragments": (
        frame(TEXT, b" " * 64 * KIB, final=False) + frame(CONTINUATION, b" "),
        1009,
    ),
    "16 MiB": (frame(TEXT, b" " * 16 * KIB * KIB), 1009),
    "16 MiB declared": (frame(TEXT, claim=16 * KIB * KIB), 1009),
    "2^63 - 1 bytes declared": (frame(TEXT, claim=(1 << 63) - 1), 1009),
    "65 fragments": (frame(TEXT, b"{", final=False) + frame(CONTINUATION, final=False) * 64, 1009),
    "no JSON": (text("{"), 4400),
    "no object": (text("[]"), 4400),
    "deep JSON": (text("[" * 30_000), 4400),
    "an integer of 5000 digits": (text("9" * 5000), 4400),
}


@pytest.mark.parametrize(("frames", "code"), VIOLATIONS.values(), ids=VIOLATIONS.keys())
def test_violation_is_closed_with_its_code(
    server: RunningServer, attacker: Account, bystander: ChatSocket, frames: bytes, code: int
) -> None:
    with RawSocket.upgraded(server.port, attacker.access_token) as raw:
        raw.flood(frames)
        answer = raw.close_frame()
        assert answer is not None
        assert answer.close_code == code


def test_client_that_does_not_answer_the_close_is_freed(
    server: RunningServer, attacker: Account, all_freed: Callable[[], None]
) -> None:
    kinds = ["not masked", "close code 0", "text that is not UTF-8", "binary", "16 MiB", "65 fragments", "no JSON"]
    with ExitStack() as opened:
        for kind in kinds:
            raw = opened.enter_context(RawSocket.upgraded(server.port, attacker.access_token))
            raw.flood(VIOLATIONS[kind][0])
        all_freed()


def test_compression_is_not_negotiated(server: RunningServer, attacker: Account) -> None:
    """Therefore a compressed frame (a zip bomb) is only a frame with a reserved bit."""
    offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    with RawSocket.upgraded(server.port, attacker.access_token, extra=offer) as raw:
        assert b"extensions" not in raw.head.lower()


def test_commands_after_a_close_frame_are_ignored(
    server: RunningServer, attacker: Account, bystander: ChatSocket
) -> None:
    command = '{"type":"send","room":"lobby","cid":"00000000-0000-4000-8000-000000000001","text":"after the close"}'
    with RawSocket.upgraded(server.port, attacker.access_token) as raw:
        raw.send(close(1000) + text(command))
        answer = raw.close_frame()
        assert answer is not None
        assert answer.close_code == 1000
        raw.read_to_end()
    bystander.send("the next message")
    bystander.wait_for(lambda frame: frame.get("text") == "the next message")
    assert not any(frame.get("text") == "after the close" for frame in bystander.frames)


@pytest.mark.parametrize("ending", ["silence", "half-closed", "reset"])
def test_client_that_disappears_is_freed(
    server: RunningServer, attacker: Account, all_freed: Callable[[], None], ending: str
) -> None:
    raw = RawSocket.upgraded(server.port, attacker.access_token)
    raw.send(text('{"type":"join","room":"lobby"}') + b"\x81\xfe\x01")  # half a frame
    with raw:
        if ending == "silence":  # a violation; its close is never answered
            raw.send(b"\x00" + bytes(4) + b" " * 256)
        elif ending == "half-closed":
            raw.socket.shutdown(1)
        else:
            raw.socket.setsockopt(1, 13, struct.pack("ii", 1, 0))  # SO_LINGER 0: close() sends a reset
            raw.close()
        all_freed()


def test_message_in_64_fragments_is_accepted(server: RunningServer, attacker: Account) -> None:
    ping = b'{"type":"ping","id":"in many pieces"}'.ljust(64)
    pieces = [frame(CONTINUATION if i else TEXT, ping[i : i + 1], final=i == 63) for i in range(64)]
    with RawSocket.upgraded(server.port, attacker.access_token) as raw:
        raw.send(b"".join(pieces))
        while (found := raw.read_frame()) is not None and b'"pong"' not in found.payload:
            pass
        assert found is not None
        assert b"in many pieces" in found.payload
