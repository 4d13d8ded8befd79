"""The generator's frames, compared with those of the websockets library."""

import pytest
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from benchmarks.frames import PING, PONG, TEXT, client_frame, split_frames


def _parsed_by_a_server(data: bytes) -> Frame:
    server = ServerProtocol(state=State.OPEN)
    server.receive_data(data)
    (event,) = server.events_received()
    assert isinstance(event, Frame)
    return event


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 300, 65535])
def test_client_frame_is_parsed_by_a_server(size: int) -> None:
    payload = b"p" * size
    frame = _parsed_by_a_server(client_frame(payload))
    assert (frame.opcode, bytes(frame.data)) == (Opcode.TEXT, payload)


def test_client_frame_with_pong_is_parsed_by_a_server() -> None:
    assert _parsed_by_a_server(client_frame(b"id", PONG)).opcode is Opcode.PONG


def test_client_frame_rejects_too_long_a_payload() -> None:
    with pytest.raises(ValueError, match="65535"):
        client_frame(b"p" * 65536)


def test_split_frames_supports_every_length_form_and_returns_the_rest() -> None:
    wire = [Frame(Opcode.TEXT, b"x" * size).serialize(mask=False) for size in (5, 200, 70_000)]
    ping = Frame(Opcode.PING, b"1234").serialize(mask=False)
    frames, rest = split_frames(b"".join([*wire, ping, wire[1][:50]]))
    assert [(opcode, len(payload), length) for opcode, payload, length in frames] == [
        (TEXT, 5, len(wire[0])),
        (TEXT, 200, len(wire[1])),
        (TEXT, 70_000, len(wire[2])),
        (PING, 4, len(ping)),
    ]
    assert rest == wire[1][:50]


def test_split_frames_returns_no_frame_for_an_incomplete_one() -> None:
    for payload in (b"x" * 5, b"x" * 200, b"x" * 70_000):
        wire = Frame(Opcode.TEXT, payload).serialize(mask=False)
        for cut in {0, 1, 2, 3, min(9, len(wire) - 1), len(wire) - 1}:
            assert split_frames(wire[:cut]) == ([], wire[:cut])
