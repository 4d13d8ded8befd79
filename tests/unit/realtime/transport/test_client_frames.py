"""Frames that are read without the parser are the same messages as with it."""

from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import SERVER, Protocol

from cloudchat.realtime.transport.client_frames import is_between_frames, payload_of_text_frame

PAYLOADS = st.one_of(st.binary(max_size=140), st.sampled_from([b"x" * 4000, b"x" * 65535, b"x" * 65536]))
FRAMES = st.one_of(
    st.builds(Frame, st.sampled_from([Opcode.TEXT, Opcode.CONT, Opcode.BINARY]), PAYLOADS, st.booleans()),
    st.builds(Frame, st.just(Opcode.TEXT), PAYLOADS),
    st.builds(Frame, st.just(Opcode.PING), st.binary(max_size=125)),
)


@given(frame=FRAMES, rest=st.binary(max_size=3), cut=st.integers(0, 3))
def test_only_one_complete_text_frame_is_read(frame: Frame, rest: bytes, cut: int) -> None:
    data = frame.serialize(mask=True)
    is_simple = frame.opcode is Opcode.TEXT and frame.fin and 2 <= len(frame.data) < 65536
    assert payload_of_text_frame(data) == (frame.data if is_simple else None)
    if rest:
        assert payload_of_text_frame(data + rest) is None
    if cut:
        assert payload_of_text_frame(data[:-cut]) is None


def test_frames_that_are_not_masked_or_have_reserved_bits_are_left_to_the_parser() -> None:
    frame = Frame(Opcode.TEXT, b'{"type":"ping"}')
    assert payload_of_text_frame(frame.serialize(mask=False)) is None
    for bit in (0x10, 0x20, 0x40):
        masked = frame.serialize(mask=True)
        assert payload_of_text_frame(bytes([masked[0] | bit]) + masked[1:]) is None
    assert payload_of_text_frame(b"") is None


def test_the_parser_is_between_frames_only_after_a_complete_message() -> None:
    """Fed byte by byte: inside of a header, inside of a payload, and between the fragments of a message it is not."""
    first = Frame(Opcode.TEXT, b"a" * 200, fin=False).serialize(mask=True)
    second = Frame(Opcode.CONT, b"b" * 200).serialize(mask=True)
    ping = Frame(Opcode.PING, b"").serialize(mask=True)
    parser = Protocol(SERVER, max_size=65536)
    stream = first + ping + second + ping
    ends = {len(first + ping + second), len(stream)}
    for place in range(len(stream)):
        parser.receive_data(stream[place : place + 1])
        assert is_between_frames(parser) is (place + 1 in ends)
