"""The gate of one socket: which frames pass, which are rejected, and which rejection closes the socket."""

import json
import uuid

import pytest

from cloudchat.core.message_text import is_printable
from cloudchat.protocol.close_codes import CloseCode
from cloudchat.protocol.commands import Join, Ping, Send
from cloudchat.protocol.errors import ErrorCode
from cloudchat.protocol.events import Limits
from cloudchat.realtime.command_gate import MAX_CONSECUTIVE_REJECTIONS, CommandGate, Rejected
from cloudchat.realtime.user_allowance import MAX_AUTH_BURST, MAX_COMMAND_BURST, MAX_JOIN_BURST, UserAllowance

PING = '{"type":"ping"}'
JOIN = '{"type":"join","id":"mine","room":"lobby"}'
INVALID = '{"type":"nope"}'


def send_frame(text: str = "hello") -> str:
    return json.dumps({"type": "send", "id": "7", "room": "lobby", "cid": str(uuid.uuid4()), "text": text})


@pytest.fixture
def gate() -> CommandGate:
    return CommandGate(Limits(), UserAllowance(20, 0), now=0)


def rejected(gate: CommandGate, frame: str, now: float = 0) -> Rejected:
    outcome = gate.parse(frame, now)
    assert isinstance(outcome, Rejected)
    return outcome


def test_valid_commands_pass(gate: CommandGate) -> None:
    assert gate.parse(PING, 0) == Ping()
    assert isinstance(gate.parse(send_frame(), 0), Send)


def test_text_of_the_maximum_length_passes_and_a_longer_one_is_too_large(gate: CommandGate) -> None:
    assert isinstance(gate.parse(send_frame("€" * 4000), 0), Send)
    rejection = rejected(gate, send_frame("€" * 4001))
    assert rejection.error.code is ErrorCode.TOO_LARGE
    assert (rejection.error.id, rejection.error.field, rejection.close) == ("7", "text", None)


@pytest.mark.parametrize(
    "text", ["", "  \n\t", "a\0b", "\x1b[31mred", "\x7f", "\x85", "\u200b", "\u2800\n\u3164", "\u202e\ufe0f"]
)
def test_empty_text_and_control_characters_are_rejected(gate: CommandGate, text: str) -> None:
    assert rejected(gate, send_frame(text)).error.code is ErrorCode.BAD_REQUEST


@pytest.mark.parametrize("text", ["two\nlines\tand a tab", "👩‍👩‍👧 family", "שלום \u200f", "zero\u200bwidth"])
def test_ordinary_text_is_printable(text: str) -> None:
    assert is_printable(text)


def test_sends_above_the_promised_rate_are_rejected_until_retry_after_ms(gate: CommandGate) -> None:
    for _ in range(20):
        assert isinstance(gate.parse(send_frame(), 0), Send)
    error = rejected(gate, send_frame()).error
    assert error.code is ErrorCode.RATE_LIMITED
    assert error.retryable
    assert error.id == "7"
    assert error.retry_after_ms is not None
    assert isinstance(gate.parse(send_frame(), error.retry_after_ms / 1000), Send)


def test_flood_is_rejected_twenty_times_and_then_closed(gate: CommandGate) -> None:
    while not isinstance(outcome := gate.parse(send_frame(), 0), Rejected):
        pass
    closes = [outcome.close] + [rejected(gate, send_frame()).close for _ in range(MAX_CONSECUTIVE_REJECTIONS)]
    assert closes == [None] * MAX_CONSECUTIVE_REJECTIONS + [CloseCode.FLOODING]


def test_pings_are_rate_limited(gate: CommandGate) -> None:
    outcomes = [gate.parse(PING, 0) for _ in range(300)]
    assert any(isinstance(outcome, Rejected) and outcome.error.code is ErrorCode.RATE_LIMITED for outcome in outcomes)


def test_500_joins_at_once_pass_and_take_nothing_from_the_commands_behind_them(gate: CommandGate) -> None:
    assert all(isinstance(gate.parse(JOIN, 0), Join) for _ in range(500))
    assert isinstance(gate.parse(send_frame(), 0), Send)
    assert all(gate.parse(PING, 0) == Ping() for _ in range(MAX_COMMAND_BURST))


def test_joins_pass_when_the_commands_are_limited(gate: CommandGate) -> None:
    while not isinstance(gate.parse(PING, 0), Rejected):
        pass
    assert isinstance(gate.parse(JOIN, 0), Join)


def test_joins_are_limited(gate: CommandGate) -> None:
    accepted = 0
    while isinstance(outcome := gate.parse(JOIN, 0), Join):
        accepted += 1
    assert accepted == MAX_JOIN_BURST
    assert isinstance(outcome, Rejected)
    assert outcome.error.retry_after_ms is not None
    assert isinstance(gate.parse(JOIN, outcome.error.retry_after_ms / 1000), Join)


def test_joins_are_limited_across_sockets_that_follow_each_other() -> None:
    allowance = UserAllowance(20, 0)
    accepted = 0
    for _ in range(3):
        gate = CommandGate(Limits(), allowance, now=0)
        while isinstance(gate.parse(JOIN, 0), Join):
            accepted += 1
        gate.close(0)
    assert accepted == MAX_JOIN_BURST


def test_flood_between_joins_is_parsed_no_more_often_than_joins_are_accepted(gate: CommandGate) -> None:
    """What is parsed beyond the rate of commands takes from the joins."""
    while not isinstance(gate.parse(PING, 0), Rejected):
        pass
    joins = 0
    while isinstance(gate.parse(JOIN, 0), Join):
        rejected(gate, PING)
        joins += 1
    assert joins == pytest.approx(MAX_JOIN_BURST / 2, abs=1)


def test_too_many_consecutive_invalid_commands_close_the_socket(gate: CommandGate) -> None:
    closes = [rejected(gate, INVALID, second).close for second in range(MAX_CONSECUTIVE_REJECTIONS + 1)]
    assert closes == [None] * MAX_CONSECUTIVE_REJECTIONS + [CloseCode.BAD_COMMANDS]


def test_valid_command_resets_the_count_of_invalid_ones(gate: CommandGate) -> None:
    for second in range(3 * MAX_CONSECUTIVE_REJECTIONS):
        assert rejected(gate, INVALID, second).close is None
        assert gate.parse(PING, second) == Ping()


def test_frame_that_is_not_a_json_object_closes_the_socket(gate: CommandGate) -> None:
    rejection = rejected(gate, "hello?")
    assert rejection.error.code is ErrorCode.BAD_REQUEST
    assert rejection.close is CloseCode.BAD_COMMANDS


def test_sockets_of_one_user_share_the_send_limit() -> None:
    shared = UserAllowance(20, 0)
    gates = [CommandGate(Limits(), shared, now=0) for _ in range(10)]
    passed = [isinstance(gate.parse(send_frame(), 0), Send) for gate in gates for _ in range(20)]
    assert sum(passed) == 60


def sends_accepted(gate: CommandGate, now: float) -> int:
    """Return how many messages are accepted until the first rejection."""
    accepted = 0
    while isinstance(gate.parse(send_frame(), now), Send):
        accepted += 1
    return accepted


def test_socket_that_reconnects_can_send_no_more_than_one_that_stays() -> None:
    staying = CommandGate(Limits(), UserAllowance(20, 0), now=0)
    half_seconds = [number / 2 for number in range(20)]
    stayed = sum(sends_accepted(staying, now) for now in half_seconds)
    allowance, reconnected = UserAllowance(20, 0), 0
    for now in half_seconds:
        gate = CommandGate(Limits(), allowance, now)
        reconnected += sends_accepted(gate, now)
        gate.close(now)
    assert reconnected == stayed == 39


def test_socket_opened_in_another_process_can_send_no_more_either() -> None:
    allowances = [UserAllowance(20, 0) for _ in range(4)]
    reconnected = owed_ms = 0
    for number in range(20):
        now, allowance = number / 2, allowances[number % 4]
        allowance.carry_over(owed_ms, now)
        gate = CommandGate(Limits(), allowance, now)
        reconnected += sends_accepted(gate, now)
        gate.close(now)
        owed_ms = max(0, allowance.owed_ms(now) - 500)  # the store's key expires half a second later
    assert reconnected <= 39


def exhaust(gate: CommandGate) -> None:
    """Send commands, then joins, until neither are accepted."""
    for frame in (PING, JOIN):
        while not isinstance(gate.parse(frame, 0), Rejected):
            pass


AUTH = json.dumps({"type": "auth", "id": "a", "token": "t"})


@pytest.mark.parametrize(
    "frame",
    [
        JOIN,
        json.dumps({"type": "send", "room": "lobby", "cid": "x", "text": 'my "id": "other"', "id": "mine"}),
        json.dumps({"type": "send", "room": "lobby", "cid": "x", "text": '\\", "id":"other"' * 5000, "id": "mine"}),
        json.dumps({"id": "mine", "type": "auth", "token": "t" * 60_000}),
        '{ "id" : "m\\u0069ne" }',
    ],
)
def test_a_command_refused_by_the_bucket_is_answered_with_its_id(gate: CommandGate, frame: str) -> None:
    """Without the id the page waited 20 s for the reply."""
    exhaust(gate)
    error = rejected(gate, frame).error
    assert (error.code, error.id) == (ErrorCode.RATE_LIMITED, "mine")


@pytest.mark.parametrize(
    "frame",
    ["", "nope", "[]", '{"id":7}', '{"id":"' + "x" * 65 + '"}', '{"id":"\\udc00"}', '{"id":"\\x"}', '"id" ' * 13_000],
)
def test_a_frame_without_a_valid_id_is_refused_without_one(gate: CommandGate, frame: str) -> None:
    exhaust(gate)
    assert rejected(gate, frame).error.id is None


def test_renewals_of_the_token_are_limited_and_refused_with_their_id(gate: CommandGate) -> None:
    """376 of them a second took 63 % of a core."""
    outcomes = [gate.parse(AUTH, 0) for _ in range(MAX_AUTH_BURST + 1)]
    assert [isinstance(outcome, Rejected) for outcome in outcomes] == [False] * MAX_AUTH_BURST + [True]
    error = rejected(gate, AUTH).error
    assert (error.code, error.id) == (ErrorCode.RATE_LIMITED, "a")
    assert error.retry_after_ms is not None
    assert not isinstance(gate.parse(AUTH, error.retry_after_ms / 1000), Rejected)
    assert gate.parse(PING, 1) == Ping()


def test_sockets_of_one_user_share_the_limit_of_renewals() -> None:
    shared = UserAllowance(20, 0)
    gates = [CommandGate(Limits(), shared, now=0) for _ in range(10)]
    passed = [not isinstance(gate.parse(AUTH, 0), Rejected) for gate in gates for _ in range(MAX_AUTH_BURST)]
    assert sum(passed) == 30
