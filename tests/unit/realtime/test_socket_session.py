import json
import uuid

import pytest

from cloudchat.protocol.close_codes import CloseCode
from cloudchat.protocol.commands import Ping, Send
from cloudchat.protocol.errors import ErrorCode
from cloudchat.protocol.events import Limits
from cloudchat.rate_limiting.token_bucket import TokenBucket
from cloudchat.realtime.socket_session import PATIENCE, Refused, SocketSession, printable

PING = '{"type":"ping"}'
BAD = '{"type":"nope"}'


def a_send(text="hello", **fields):
    return json.dumps({"type": "send", "id": "7", "room": "lobby", "cid": str(uuid.uuid4()), "text": text, **fields})


@pytest.fixture
def session():
    return SocketSession(Limits(), TokenBucket(60, 6, 0), now=0)


def test_a_good_command_passes(session):
    assert session.receive(PING, 0) == Ping()
    assert isinstance(session.receive(a_send(), 0), Send)


def test_a_text_of_exactly_the_limit_passes_and_one_more_is_too_large(session):
    assert isinstance(session.receive(a_send("€" * 4000), 0), Send)
    refused = session.receive(a_send("€" * 4001), 0)
    assert refused.error.code is ErrorCode.TOO_LARGE
    assert (refused.error.id, refused.error.field, refused.close) == ("7", "text", None)


@pytest.mark.parametrize("text", ["", "  \n\t", "a\0b", "\x1b[31mred", "\x7f", "\x85"])
def test_text_that_is_empty_or_commands_a_terminal_is_refused(session, text):
    assert session.receive(a_send(text), 0).error.code is ErrorCode.BAD_REQUEST


@pytest.mark.parametrize("text", ["two\nlines\tand a tab", "👩‍👩‍👧 family", "שלום \u200f", "zero\u200bwidth"])
def test_what_people_write_is_printable(text):
    assert printable(text)


def test_more_sends_than_promised_are_refused_until_the_time_named(session):
    for _ in range(20):
        assert isinstance(session.receive(a_send(), 0), Send)
    refused = session.receive(a_send(), 0)
    assert refused.error.code is ErrorCode.RATE_LIMITED
    assert refused.error.retryable
    assert refused.error.id == "7"
    assert isinstance(session.receive(a_send(), refused.error.retry_after_ms / 1000), Send)


def test_a_flood_is_warned_twenty_times_and_then_closed(session):
    while not isinstance(refused := session.receive(a_send(), 0), Refused):
        pass
    closes = [refused.close] + [session.receive(a_send(), 0).close for _ in range(PATIENCE)]
    assert closes == [None] * PATIENCE + [CloseCode.FLOODING]


def test_pings_are_limited_too(session):
    outcomes = [session.receive(PING, 0) for _ in range(300)]
    assert any(isinstance(o, Refused) and o.error.code is ErrorCode.RATE_LIMITED for o in outcomes)


def test_many_bad_commands_in_a_row_end_the_socket(session):
    closes = [session.receive(BAD, i).close for i in range(PATIENCE + 1)]
    assert closes == [None] * PATIENCE + [CloseCode.BAD_COMMANDS]


def test_a_good_command_forgives_the_bad_ones(session):
    for i in range(3 * PATIENCE):
        assert session.receive(BAD, i).close is None
        assert session.receive(PING, i) == Ping()


def test_what_is_no_json_object_is_answered_and_then_the_socket_ends(session):
    refused = session.receive("hello?", 0)
    assert refused.error.code is ErrorCode.BAD_REQUEST
    assert refused.close is CloseCode.BAD_COMMANDS


def test_many_sockets_of_a_user_are_not_many_allowances():
    shared = TokenBucket(60, 6, 0)
    sockets = [SocketSession(Limits(), shared, now=0) for _ in range(10)]
    passed = [isinstance(socket.receive(a_send(), 0), Send) for socket in sockets for _ in range(20)]
    assert sum(passed) == 60
