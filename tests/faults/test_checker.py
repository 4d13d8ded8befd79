"""The checker reports each planted fault with its own sentence, and accepts correct observations."""

import copy
import dataclasses
import json
from collections.abc import Callable

import pytest

from faults.checker import violations
from faults.observations import Ack, Event, Observations, SeenGap, Segment, Send


def event(seq: int, user: str, text: str, *, epoch: str = "e1", cid: str = "") -> Event:
    frame = {"type": "message", "epoch": epoch, "seq": seq, "cid": cid or f"cid {text}", "user": {"id": user}}
    return Event.of(json.dumps({**frame, "text": text}))


def correct() -> Observations:
    """Two users send ten messages in turn; one reader stays, one loses its socket after 4 and resumes."""
    log = [event(seq, f"u{seq % 2}", f"m{seq}") for seq in range(1, 11)]
    sends = [Send(e.user, e.user, e.cid, e.text, sent_at=float(e.seq), ack=Ack("e1", e.seq, e.seq + 0.5)) for e in log]
    sends.append(Send("u1", "u1", "cid x", "x", sent_at=50.0))  # unknown, and not in the log
    segments = [
        Segment("stayed", "fresh", "e1", 0, 1, 50, None, list(log), complete=True),
        Segment("resumed", "fresh", "e1", 2, 1, 50, None, log[:4]),
        Segment("resumed", "recovered", "e1", 7, 1, 50, ("e1", 4), log[4:], complete=True),
    ]
    return Observations(sends, segments, {"stayed": list(log), "resumed": list(log)}, list(log))


def test_correct_observations_have_no_violation() -> None:
    assert violations(correct()) == []


def test_unknown_send_may_be_in_the_log() -> None:
    observed = correct()
    late = event(11, "u1", "x")
    for events in (observed.log, observed.segments[0].events, observed.segments[2].events):
        events.append(late)
    for view in observed.views.values():
        view.append(late)
    assert violations(observed) == []


def lose_acknowledged(observed: Observations) -> None:
    """Like a store that acknowledges before it writes, and is then killed."""
    del observed.log[9], observed.segments[0].events[-1], observed.segments[2].events[-1]
    for view in observed.views.values():
        del view[-1]


def drop_live(observed: Observations) -> None:
    del observed.segments[0].events[5], observed.views["stayed"][5]


def drop_replayed(observed: Observations) -> None:
    del observed.segments[2].events[0], observed.views["resumed"][4]


def cut_replay(observed: Observations) -> None:
    observed.segments[2].events = observed.segments[2].events[:2]


def double_live(observed: Observations) -> None:
    observed.segments[0].events.insert(5, observed.segments[0].events[5])


def double_seen(observed: Observations) -> None:
    observed.views["stayed"].insert(5, observed.views["stayed"][5])


def store_twice(observed: Observations) -> None:
    first = observed.log[2]
    observed.log.append(event(11, first.user, first.text))


def swap(observed: Observations) -> None:
    events = observed.segments[0].events
    events[3], events[4] = events[4], events[3]


def swap_log(observed: Observations) -> None:
    """Swap two messages of one user in the log and in their acks."""
    first, second = observed.sends[1], observed.sends[3]
    assert first.ack is not None
    assert second.ack is not None
    seqs = second.ack.seq, first.ack.seq
    first.ack = Ack("e1", seqs[0], first.ack.received_at)
    second.ack = Ack("e1", seqs[1], second.ack.received_at)
    renumber(observed, {2: 4, 4: 2})


def renumber(observed: Observations, new_seqs: dict[int, int]) -> None:
    def renumbered(event: Event) -> Event:
        return Event.of(json.dumps({**json.loads(event.raw), "seq": new_seqs.get(event.seq, event.seq)}))

    for events in (observed.log, *(segment.events for segment in observed.segments)):
        events[:] = sorted(map(renumbered, events), key=lambda event: event.seq)
    observed.views = {client: list(observed.log) for client in observed.views}


def acknowledge_late(observed: Observations) -> None:
    """Send m9 of u1 after u0 got the ack of a higher seq: this is not the order of time."""
    observed.sends[8].sent_at = 60.0
    observed.sends[8].ack = Ack("e1", 9, 61.0)


def fork(observed: Observations) -> None:
    observed.segments[2].events[3] = event(8, "u0", "m8", cid="cid x")


def change_bytes(observed: Observations) -> None:
    raw = observed.segments[2].events[3].raw.replace(": ", ":")
    observed.segments[2].events[3] = dataclasses.replace(observed.segments[2].events[3], raw=raw)


def change_page(observed: Observations) -> None:
    observed.log[3] = dataclasses.replace(observed.log[3], raw=observed.log[3].raw + " ")


def invent(observed: Observations) -> None:
    observed.log.append(event(11, "u0", "not sent"))


def store_rejected(observed: Observations) -> None:
    observed.sends.append(Send("u0", "u0", "cid no", "no", 70.0, rejected=True))
    observed.log.append(event(11, "u0", "no", cid="cid no"))


def skip_seq(observed: Observations) -> None:
    observed.log.append(event(12, "u1", "x"))


def change_ack(observed: Observations) -> None:
    observed.sends[0].ack = Ack("e1", 3, 1.5)


def false_gap(observed: Observations) -> None:
    observed.views["resumed"].insert(4, SeenGap())


def end_early(observed: Observations) -> None:
    del observed.views["stayed"][-1]


def recover_elsewhere(observed: Observations) -> None:
    observed.segments[2].after = ("e0", 4)


def assign_again(observed: Observations) -> None:
    """Like a store that was set back, and goes on below what clients have seen, in a new epoch."""
    observed.log.append(event(3, "u1", "x", epoch="e2"))


def mix_epochs(observed: Observations) -> None:
    observed.segments[0].events[9] = event(10, "u0", "m10", epoch="e2")


@pytest.mark.parametrize(
    ("plant", "sentence"),
    [
        (lose_acknowledged, "is lost"),
        (drop_live, "expected"),
        (drop_live, "saw 7 after 5"),
        (drop_replayed, "expected 5"),
        (cut_replay, "the replay after"),
        (double_live, "expected"),
        (double_seen, "saw 6 after 6"),
        (store_twice, "is in the log 2 times"),
        (swap, "expected"),
        (swap_log, "in the other order"),
        (acknowledge_late, "was acknowledged before it was sent"),
        (fork, "two versions"),
        (change_bytes, "two versions"),
        (change_page, "two versions"),
        (invent, "no client sent"),
        (store_rejected, "was rejected"),
        (skip_seq, "goes from 10 to 12"),
        (change_ack, "where 'm3' is"),
        (false_gap, "got a gap"),
        (end_early, "ends at"),
        (recover_elsewhere, "in another epoch"),
        (assign_again, "3 was assigned to the cid cid m3 and to cid x"),
        (mix_epochs, "is live and of epoch"),
    ],
)
def test_planted_fault_is_reported(plant: Callable[[Observations], None], sentence: str) -> None:
    observed = copy.deepcopy(correct())
    plant(observed)
    assert any(sentence in violation for violation in violations(observed)), violations(observed)


def test_after_a_wipe_earlier_epochs_may_be_gone_and_every_client_gets_a_gap() -> None:
    observed = correct()
    new = [event(11, "u0", "y", epoch="e2")]
    observed.sends.append(Send("u0", "u0", "cid y", "y", 80.0, ack=Ack("e2", 11, 81.0)))
    observed.log = list(new)
    observed.segments.append(Segment("stayed", "gap", "e2", 11, 11, 50, ("e1", 10), list(new), complete=True))
    observed.views = {"stayed": [*observed.views["stayed"], SeenGap(), *new]}
    assert violations(observed, wiped=True) == []
    in_epoch = copy.deepcopy(observed)
    in_epoch.log.append(event(13, "u0", "y", epoch="e2"))
    assert any("goes from 11 to 13" in violation for violation in violations(in_epoch, wiped=True))
    observed.log[:0] = correct().log[:4]  # the archive has what was archived before the wipe
    assert violations(observed, wiped=True) == []
    observed.views["stayed"].remove(SeenGap())
    assert any("got no gap" in violation for violation in violations(observed, wiped=True))
