"""Counting by division gives the same as parsing frame by frame, however the bytes are divided into reads."""

import random

import pytest
from websockets.frames import Frame, Opcode

from benchmarks.frames import PING, TEXT, MessageCounter

MARKER = b"bench ab12cd "


def _text(payload: bytes) -> bytes:
    return Frame(Opcode.TEXT, payload).serialize(mask=False)


def _message(seq: int) -> bytes:
    return _text(b'{"type":"message","seq":%d,"text":"%s%08d"}' % (seq, MARKER, seq) + b"x" * 150)


ACK = _text(b'{"type":"ack","seq":7}')
PING_FRAME = Frame(Opcode.PING, b"keep").serialize(mask=False)


def _feed(counter: MessageCounter, data: bytes) -> int:
    buffer = bytearray(data)
    return counter.count(buffer, len(data))


def test_reads_of_whole_messages_are_counted() -> None:
    counter = MessageCounter(MARKER)
    assert _feed(counter, _message(1)) == 1
    assert _feed(counter, _message(2) + _message(3) + _message(4)) == 3
    assert counter.received == 4


def test_older_bytes_after_the_read_in_the_buffer_are_ignored() -> None:
    counter = MessageCounter(MARKER)
    buffer = bytearray(_message(1) + _message(2) + _message(3))
    one = len(_message(1))
    assert [counter.count(buffer, size) for size in (one, one, 2 * one)] == [1, 1, 2]


def test_acks_pings_and_messages_of_an_older_run_are_not_counted() -> None:
    counter = MessageCounter(MARKER)
    _feed(counter, _message(1))
    assert _feed(counter, ACK + _message(2) + PING_FRAME + _text(b"bench 999999 of an older run")) == 1
    assert [opcode for opcode, _ in counter.others] == [TEXT, PING, TEXT]


def test_other_frame_with_the_length_of_a_message_is_not_counted() -> None:
    counter = MessageCounter(MARKER)
    _feed(counter, _message(1))
    assert _feed(counter, _text(b"?" * (len(_message(1)) - 4 + 1)) + _message(2)) == 1


def test_longer_seq_changes_the_length_and_no_message_is_lost() -> None:
    counter = MessageCounter(MARKER)
    counts = [
        _feed(counter, b"".join(_message(seq) for seq in pair)) for pair in ((8, 9), (9, 10), (11, 12), (99, 100))
    ]
    assert counts == [2, 2, 2, 2]


def test_rest_from_joining_is_part_of_the_first_read() -> None:
    counter = MessageCounter(MARKER, rest=_message(1)[:60])
    assert _feed(counter, _message(1)[60:]) == 1


def test_messages_returns_the_payloads() -> None:
    counter = MessageCounter(MARKER)
    wire = _message(1) + _message(2)
    first, second = counter.messages(bytearray(wire), len(wire))
    assert MARKER + b"00000001" in first
    assert MARKER + b"00000002" in second
    assert counter.received == 2


@pytest.mark.parametrize("seed", range(20))
def test_random_reads_of_a_long_stream_count_each_message_once(seed: int) -> None:
    rng = random.Random(seed)
    stream = b""
    for seq in range(1, 1201):
        stream += _message(seq)
        stream += rng.choice((b"", b"", b"", ACK, PING_FRAME))
    counter = MessageCounter(MARKER)
    offset, counted = 0, 0
    while offset < len(stream):
        size = rng.choice((1, 7, len(_message(1)), len(_message(100)), 1000, 5000))
        counted += _feed(counter, stream[offset : offset + size])
        offset += size
    assert counted == counter.received == 1200
