"""The checker must catch what it is for: each planted fault, by its own sentence; and pass what is right."""

import copy
import dataclasses
import json
from collections.abc import Callable

import pytest

from faults.checker import violations
from faults.story import Ack, Event, Missing, Run, Said, Story


def event(seq: int, user: str, text: str, *, epoch: str = "e1", cid: str = "") -> Event:
    frame = {"type": "message", "epoch": epoch, "seq": seq, "cid": cid or f"cid {text}", "user": {"id": user}}
    return Event.of(json.dumps({**frame, "text": text}))


def good() -> Story:
    """Two people say ten things in turn; one reader stays, one loses its socket after 4 and resumes."""
    log = [event(seq, f"u{seq % 2}", f"m{seq}") for seq in range(1, 11)]
    said = [Said(e.user, e.user, e.cid, e.text, invoked=float(e.seq), ack=Ack("e1", e.seq, e.seq + 0.5)) for e in log]
    said.append(Said("u1", "u1", "cid x", "x", invoked=50.0))  # unknown, and not there
    runs = [
        Run("stayed", "fresh", "e1", 0, 1, 50, None, list(log), whole=True),
        Run("resumed", "fresh", "e1", 2, 1, 50, None, log[:4]),
        Run("resumed", "recovered", "e1", 7, 1, 50, ("e1", 4), log[4:], whole=True),
    ]
    return Story(said, runs, {"stayed": list(log), "resumed": list(log)}, list(log))


def test_what_is_right_passes() -> None:
    assert violations(good()) == []


def test_an_unknown_send_may_be_there() -> None:
    story = good()
    late = event(11, "u1", "x")
    for place in (story.history, story.runs[0].events, story.runs[2].events, *story.views.values()):
        place.append(late)
    assert violations(story) == []


def lose_it(story: Story) -> None:
    """As a store that acknowledges before it has written, and dies."""
    del story.history[9]
    for view in (*story.views.values(), story.runs[0].events, story.runs[2].events):
        del view[-1]


def drop_live(story: Story) -> None:
    del story.runs[0].events[5], story.views["stayed"][5]


def drop_replayed(story: Story) -> None:
    del story.runs[2].events[0], story.views["resumed"][4]


def cut_replay(story: Story) -> None:
    story.runs[2].events = story.runs[2].events[:2]


def double_live(story: Story) -> None:
    story.runs[0].events.insert(5, story.runs[0].events[5])


def double_seen(story: Story) -> None:
    story.views["stayed"].insert(5, story.views["stayed"][5])


def store_twice(story: Story) -> None:
    first = story.history[2]
    story.history.append(event(11, first.user, first.text))


def swap(story: Story) -> None:
    events = story.runs[0].events
    events[3], events[4] = events[4], events[3]


def swap_log(story: Story) -> None:
    """Two things one person said, the other way round, with acks that agree with the log."""
    one, two = story.said[1], story.said[3]
    assert one.ack is not None
    assert two.ack is not None
    one.ack, two.ack = Ack("e1", two.ack.seq, one.ack.at), Ack("e1", one.ack.seq, two.ack.at)
    renumber(story, {2: 4, 4: 2})


def renumber(story: Story, to: dict[int, int]) -> None:
    def moved(log: list[Event]) -> None:
        new = {to[e.seq]: Event.of(json.dumps({**json.loads(e.raw), "seq": to[e.seq]})) for e in log if e.seq in to}
        log[:] = [new.get(e.seq, e) for e in log]

    for log in (story.history, *(run.events for run in story.runs)):
        moved(log)
    story.views = {client: list(story.history) for client in story.views}


def acknowledge_late(story: Story) -> None:
    """u1's m9 gets a number below what had been acknowledged to u0 before it was said: no order of time."""
    story.said[8].invoked = 60.0
    story.said[8].ack = Ack("e1", 9, 61.0)


def fork(story: Story) -> None:
    story.runs[2].events[3] = event(8, "u0", "m8", cid="cid x")


def change_bytes(story: Story) -> None:
    raw = story.runs[2].events[3].raw.replace(": ", ":")
    story.runs[2].events[3] = dataclasses.replace(story.runs[2].events[3], raw=raw)


def change_page(story: Story) -> None:
    story.history[3] = dataclasses.replace(story.history[3], raw=story.history[3].raw + " ")


def invent(story: Story) -> None:
    story.history.append(event(11, "u0", "nobody said this"))


def store_refused(story: Story) -> None:
    story.said.append(Said("u0", "u0", "cid no", "no", 70.0, refused=True))
    story.history.append(event(11, "u0", "no", cid="cid no"))


def skip_number(story: Story) -> None:
    story.history.append(event(12, "u1", "x"))


def wrong_place(story: Story) -> None:
    story.said[0].ack = Ack("e1", 3, 1.5)


def false_gap(story: Story) -> None:
    story.views["resumed"].insert(4, Missing())


def stand_still(story: Story) -> None:
    del story.views["stayed"][-1]


def recover_elsewhere(story: Story) -> None:
    story.runs[2].after = ("e0", 4)


def mix_epochs(story: Story) -> None:
    story.runs[0].events[9] = event(10, "u0", "m10", epoch="e2")


@pytest.mark.parametrize(
    ("plant", "sentence"),
    [
        (lose_it, "is lost"),
        (drop_live, "came where"),
        (drop_live, "saw 7 after 5"),
        (drop_replayed, "came where 5 was due"),
        (cut_replay, "the replay after"),
        (double_live, "came where"),
        (double_seen, "saw 6 after 6"),
        (store_twice, "is in the log 2 times"),
        (swap, "came where"),
        (swap_log, "the other way round"),
        (acknowledge_late, "had been acknowledged before it was said"),
        (fork, "two versions"),
        (change_bytes, "two versions"),
        (change_page, "two versions"),
        (invent, "nobody said"),
        (store_refused, "was refused"),
        (skip_number, "goes from 10 to 12"),
        (wrong_place, "where 'm3' is"),
        (false_gap, "told of a gap"),
        (stand_still, "stands at"),
        (recover_elsewhere, "in another epoch"),
        (mix_epochs, "is live and of epoch"),
    ],
)
def test_a_planted_fault_is_caught(plant: Callable[[Story], None], sentence: str) -> None:
    story = copy.deepcopy(good())
    plant(story)
    assert any(sentence in broken for broken in violations(story)), violations(story)


def test_after_a_wipe_earlier_epochs_may_be_gone_but_everybody_is_told() -> None:
    story = good()
    new = [event(1, "u0", "y", epoch="e2")]
    story.said.append(Said("u0", "u0", "cid y", "y", 80.0, ack=Ack("e2", 1, 81.0)))
    story.history = list(new)
    story.runs.append(Run("stayed", "gap", "e2", 1, 1, 50, ("e1", 10), list(new), whole=True))
    story.views = {"stayed": [*story.views["stayed"], Missing(), *new]}
    assert violations(story, wiped=True) == []
    story.views["stayed"].remove(Missing())
    assert any("not told" in broken for broken in violations(story, wiped=True))
