"""Counting by division must give what counting frame by frame gives, however the bytes are cut into reads."""

import random

import pytest
from websockets.frames import Frame, Opcode

from benchmarks.frames import PING, TEXT
from benchmarks.inbox import Inbox

MARKER = b"bench ab12cd "


def _text(payload: bytes) -> bytes:
    return Frame(Opcode.TEXT, payload).serialize(mask=False)


def _message(seq: int) -> bytes:
    return _text(b'{"type":"message","seq":%d,"text":"%s%08d"}' % (seq, MARKER, seq) + b"x" * 150)


ACK = _text(b'{"type":"ack","seq":7}')
PING_FRAME = Frame(Opcode.PING, b"keep").serialize(mask=False)


def _feed(inbox: Inbox, data: bytes) -> int:
    buffer = bytearray(data)
    return inbox.count(buffer, len(data))


def test_reads_of_whole_messages_are_counted() -> None:
    inbox = Inbox(MARKER)
    assert _feed(inbox, _message(1)) == 1
    assert _feed(inbox, _message(2) + _message(3) + _message(4)) == 3
    assert inbox.received == 4


def test_the_buffer_may_hold_older_bytes_behind_the_read() -> None:
    inbox = Inbox(MARKER)
    buffer = bytearray(_message(1) + _message(2) + _message(3))
    one = len(_message(1))
    assert [inbox.count(buffer, size) for size in (one, one, 2 * one)] == [1, 1, 2]


def test_acks_pings_and_other_rooms_messages_are_not_counted_but_kept() -> None:
    inbox = Inbox(MARKER)
    _feed(inbox, _message(1))
    assert _feed(inbox, ACK + _message(2) + PING_FRAME + _text(b"bench 999999 of an older run")) == 1
    assert [opcode for opcode, _ in inbox.others] == [TEXT, PING, TEXT]


def test_something_else_of_the_same_length_between_messages_is_not_counted() -> None:
    inbox = Inbox(MARKER)
    _feed(inbox, _message(1))
    assert _feed(inbox, _text(b"?" * (len(_message(1)) - 4 + 1)) + _message(2)) == 1


def test_a_longer_seq_changes_the_length_and_nothing_is_lost() -> None:
    inbox = Inbox(MARKER)
    counts = [_feed(inbox, b"".join(_message(seq) for seq in pair)) for pair in ((8, 9), (9, 10), (11, 12), (99, 100))]
    assert counts == [2, 2, 2, 2]


def test_what_was_read_while_joining_is_part_of_the_first_read() -> None:
    inbox = Inbox(MARKER, rest=_message(1)[:60])
    assert _feed(inbox, _message(1)[60:]) == 1


def test_messages_returns_the_payloads() -> None:
    inbox = Inbox(MARKER)
    wire = _message(1) + _message(2)
    first, second = inbox.messages(bytearray(wire), len(wire))
    assert MARKER + b"00000001" in first
    assert MARKER + b"00000002" in second
    assert inbox.received == 2


@pytest.mark.parametrize("seed", range(20))
def test_any_cut_of_a_long_stream_counts_each_message_once(seed: int) -> None:
    chance = random.Random(seed)
    stream = b""
    for seq in range(1, 1201):
        stream += _message(seq)
        stream += chance.choice((b"", b"", b"", ACK, PING_FRAME))
    inbox = Inbox(MARKER)
    at, counted = 0, 0
    while at < len(stream):
        size = chance.choice((1, 7, len(_message(1)), len(_message(100)), 1000, 5000))
        counted += _feed(inbox, stream[at : at + size])
        at += size
    assert counted == inbox.received == 1200
