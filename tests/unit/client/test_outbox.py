import pytest

from cloudchat.client.errors import Closed, OutboxFull, OutcomeUnknown, SendRefused
from cloudchat.client.outbox import ANSWER_SECONDS, CID_LIFE_SECONDS, Outbox, PendingSend
from unit.client.frames import ack, error

LONG_AGO = 1e6


def letter(cid: str, outcomes: list[object], room: str = "lobby") -> PendingSend:
    return PendingSend(room, cid, {"type": "send", "id": cid, "cid": cid, "room": room}, outcomes.append)


def filled(*cids: str) -> tuple[Outbox, list[object]]:
    outcomes: list[object] = []
    outbox = Outbox(rand=lambda: 0.5)
    for cid in cids:
        outbox.add(letter(cid, outcomes))
    outbox.connected()
    return outbox, outcomes


def sent(outbox: Outbox, now: float) -> list[str]:
    return [command["cid"] for command in outbox.due(now)]


def test_one_at_a_time_in_the_order_written() -> None:
    outbox, outcomes = filled("a", "b")
    assert sent(outbox, 0) == ["a"]
    assert sent(outbox, 0) == []
    assert outbox.answered(ack("a"), 0)
    assert outcomes == [ack("a")]
    assert sent(outbox, 0) == ["b"]


def test_rooms_do_not_wait_for_each_other() -> None:
    outbox, outcomes = filled("a")
    outbox.add(letter("x", outcomes, room="other"))
    assert sent(outbox, 0) == ["a", "x"]


def test_after_a_lost_connection_the_same_cid_goes_first() -> None:
    outbox, _ = filled("a", "b")
    sent(outbox, 0)
    outbox.disconnected()
    assert sent(outbox, 1) == []
    outbox.connected()
    assert sent(outbox, 1) == ["a"]


def test_an_ack_of_the_old_connection_does_not_count_on_the_new_one_before_it_is_asked() -> None:
    outbox, outcomes = filled("a")
    sent(outbox, 0)
    outbox.disconnected()
    outbox.connected()
    assert not outbox.answered(ack("a"), 1)
    assert outcomes == []


def test_an_error_that_passes_is_waited_for_and_nothing_overtakes() -> None:
    outbox, outcomes = filled("a", "b")
    sent(outbox, 0)
    outbox.answered(error("a", "unavailable", retry_after_ms=500), 0)
    assert sent(outbox, 0.5) == []
    due = outbox.next_due()
    assert due is not None
    assert due > 0.5
    assert sent(outbox, due) == ["a"]
    assert outcomes == []


def test_a_refusal_settles_that_message_alone() -> None:
    outbox, outcomes = filled("a", "b")
    sent(outbox, 0)
    outbox.answered(error("a", "too_large", retryable=False, field="text"), 0)
    (refusal,) = outcomes
    assert isinstance(refusal, SendRefused)
    assert (refusal.code, refusal.field) == ("too_large", "text")
    assert sent(outbox, 0) == ["b"]


def test_silence_is_answered_by_repeating() -> None:
    outbox, _ = filled("a")
    sent(outbox, 0)
    assert sent(outbox, ANSWER_SECONDS - 1) == []
    assert sent(outbox, ANSWER_SECONDS) == ["a"]


def test_a_cid_that_the_server_may_have_forgotten_is_not_repeated() -> None:
    outbox, outcomes = filled("a", "b")
    sent(outbox, 0)
    outbox.disconnected()
    outbox.connected()
    assert sent(outbox, CID_LIFE_SECONDS + 1) == ["b"]
    assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown]


def test_the_age_of_a_cid_counts_on_while_the_machine_sleeps() -> None:
    wall = 1000.0
    outcomes: list[object] = []
    outbox = Outbox(wall=lambda: wall)
    outbox.add(letter("a", outcomes))
    outbox.connected()
    sent(outbox, 0)
    wall += 48 * 3600  # the monotonic clock stood still meanwhile
    assert sent(outbox, ANSWER_SECONDS) == []
    assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown]


def test_one_that_never_went_out_may_wait_for_ever() -> None:
    outbox, _ = filled("a")
    assert sent(outbox, LONG_AGO) == ["a"]


def test_full_is_said_at_once() -> None:
    outbox = Outbox(capacity=1)
    outbox.add(letter("a", []))
    with pytest.raises(OutboxFull):
        outbox.add(letter("b", []))


def test_at_the_end_everybody_is_told() -> None:
    outbox, outcomes = filled("a", "b")
    sent(outbox, 0)
    outbox.abandon(Closed("over"))
    assert [type(outcome) for outcome in outcomes] == [Closed, Closed]
    assert len(outbox) == 0


def test_replies_to_others_are_left_to_them() -> None:
    outbox, _ = filled("a")
    assert not outbox.answered(error("somebody"), 0)
    assert not outbox.answered({**error("a"), "id": None}, 0)
