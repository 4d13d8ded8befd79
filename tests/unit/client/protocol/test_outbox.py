import pytest

from cloudchat.client.errors import ClientClosed, OutboxFull, OutcomeUnknown, SendRefused
from cloudchat.client.protocol.outbox import (
    ANSWER_SECONDS,
    CID_LIFE_SECONDS,
    MAX_SERVER_DELAY_SECONDS,
    Outbox,
    PendingCommand,
)
from unit.client.frames import ack, error

MUCH_LATER = 1e6


def pending_send(cid: str, outcomes: list[object], room: str = "lobby") -> PendingCommand:
    return PendingCommand(room, cid, {"type": "send", "id": cid, "cid": cid, "room": room}, outcomes.append)


def outbox_with(*cids: str) -> tuple[Outbox, list[object]]:
    outcomes: list[object] = []
    outbox = Outbox(rand=lambda: 0.5)
    for cid in cids:
        outbox.add(pending_send(cid, outcomes))
    outbox.connected()
    return outbox, outcomes


def take_due(outbox: Outbox, now: float) -> list[str]:
    return [command["cid"] for command in outbox.take_due(now)]


def test_messages_of_a_room_are_sent_one_at_a_time_in_order() -> None:
    outbox, outcomes = outbox_with("a", "b")
    assert take_due(outbox, 0) == ["a"]
    assert take_due(outbox, 0) == []
    assert outbox.reply_received(ack("a"), 0)
    assert outcomes == [ack("a")]
    assert take_due(outbox, 0) == ["b"]


def test_rooms_are_independent_of_each_other() -> None:
    outbox, outcomes = outbox_with("a")
    outbox.add(pending_send("x", outcomes, room="other"))
    assert take_due(outbox, 0) == ["a", "x"]


def test_a_message_in_flight_is_sent_first_after_a_reconnect() -> None:
    outbox, _ = outbox_with("a", "b")
    take_due(outbox, 0)
    outbox.disconnected()
    assert take_due(outbox, 1) == []
    outbox.connected()
    assert take_due(outbox, 1) == ["a"]


def test_an_ack_before_the_repeated_send_is_not_accepted() -> None:
    outbox, outcomes = outbox_with("a")
    take_due(outbox, 0)
    outbox.disconnected()
    outbox.connected()
    assert not outbox.reply_received(ack("a"), 1)
    assert outcomes == []


def test_a_temporary_error_delays_the_whole_room() -> None:
    outbox, outcomes = outbox_with("a", "b")
    take_due(outbox, 0)
    outbox.reply_received(error("a", "unavailable", retry_after_ms=500), 0)
    assert take_due(outbox, 0.5) == []
    due = outbox.next_due()
    assert due is not None
    assert due > 0.5
    assert take_due(outbox, due) == ["a"]
    assert outcomes == []


def test_a_permanent_error_fails_only_its_own_message() -> None:
    outbox, outcomes = outbox_with("a", "b")
    take_due(outbox, 0)
    outbox.reply_received(error("a", "too_large", retryable=False, field="text"), 0)
    (refusal,) = outcomes
    assert isinstance(refusal, SendRefused)
    assert (refusal.code, refusal.field) == ("too_large", "text")
    assert take_due(outbox, 0) == ["b"]


@pytest.mark.parametrize(
    ("code", "retry_after_ms"),
    [("muted", 3_600_000), ("muted", 10), ("rate_limited", int(MAX_SERVER_DELAY_SECONDS * 1000) + 1)],
)
def test_a_mute_or_a_long_slow_mode_is_a_refusal(code: str, retry_after_ms: int) -> None:
    outbox, outcomes = outbox_with("a", "b")
    take_due(outbox, 0)
    outbox.reply_received(error("a", code, retry_after_ms=retry_after_ms), 0)
    (refusal,) = outcomes
    assert isinstance(refusal, SendRefused)
    assert (refusal.code, refusal.retry_after_ms) == (code, retry_after_ms)
    assert take_due(outbox, 0) == ["b"]


def test_a_message_without_an_answer_is_sent_again() -> None:
    outbox, _ = outbox_with("a")
    take_due(outbox, 0)
    assert take_due(outbox, ANSWER_SECONDS - 1) == []
    assert take_due(outbox, ANSWER_SECONDS) == ["a"]


def test_a_message_whose_cid_has_expired_ends_with_outcome_unknown() -> None:
    outbox, outcomes = outbox_with("a", "b")
    take_due(outbox, 0)
    outbox.disconnected()
    outbox.connected()
    assert take_due(outbox, CID_LIFE_SECONDS + 1) == ["b"]
    assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown]


def test_a_cid_expires_while_the_machine_sleeps() -> None:
    wall_clock = 1000.0
    outcomes: list[object] = []
    outbox = Outbox(wall_clock=lambda: wall_clock)
    outbox.add(pending_send("a", outcomes))
    outbox.connected()
    take_due(outbox, 0)
    wall_clock += 48 * 3600  # the monotonic clock does not advance while the machine sleeps
    assert take_due(outbox, ANSWER_SECONDS) == []
    assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown]


def test_a_message_that_was_never_sent_does_not_expire() -> None:
    outbox, _ = outbox_with("a")
    assert take_due(outbox, MUCH_LATER) == ["a"]


def test_add_raises_outbox_full_at_the_maximum() -> None:
    outbox = Outbox(max_pending=1)
    outbox.add(pending_send("a", []))
    with pytest.raises(OutboxFull):
        outbox.add(pending_send("b", []))


def test_fail_all_finishes_every_message_with_the_error() -> None:
    outbox, outcomes = outbox_with("a", "b")
    take_due(outbox, 0)
    outbox.fail_all(ClientClosed("over"))
    assert [type(outcome) for outcome in outcomes] == [ClientClosed, ClientClosed]
    assert len(outbox) == 0


def test_replies_to_other_commands_are_not_consumed() -> None:
    outbox, _ = outbox_with("a")
    assert not outbox.reply_received(error("other"), 0)
    assert not outbox.reply_received({**error("a"), "id": None}, 0)
