"""What the archiver takes from memory is a part of the log without a hole, whatever was appended and taken before."""

from hypothesis import given
from hypothesis import strategies as st

from cloudchat.archive.appended_events import AppendedEvents


def event(seq: int) -> bytes:
    return b"event %d" % seq


def filled(*seqs: int, max_bytes: int = 1000) -> AppendedEvents:
    events = AppendedEvents(max_bytes)
    for seq in seqs:
        events.add("a", seq, event(seq))
    return events


def test_consecutive_events_are_taken_once_and_in_portions() -> None:
    events = filled(4, 5, 6)
    assert events.take("a", 3, 2) == [event(4), event(5)]
    events.add("a", 7, event(7))
    assert events.take("a", 5, 10) == [event(6), event(7)]
    assert not events.take("a", 7, 10)


def test_what_follows_a_hole_is_not_taken_before_the_hole_is_archived() -> None:
    assert not filled(4, 6).take("a", 3, 10)
    assert filled(4, 6).take("a", 5, 10) == [event(6)]


def test_events_that_are_archived_already_are_dropped() -> None:
    assert filled(4, 5, 6).take("a", 4, 10) == [event(5), event(6)]
    assert not filled(4, 5).take("a", 9, 10)


def test_a_deletion_drops_the_events_of_the_room_with_the_deleted_text() -> None:
    events = filled(1, 2)
    events.add("b", 1, event(1))
    events.add("a", 3, b'{"type":"deleted","room":"a"}')
    assert not events.take("a", 0, 10)
    assert events.take("b", 0, 10) == [event(1)]


def test_the_memory_is_bounded() -> None:
    size = len(event(1))
    assert not filled(1, 2, 3, max_bytes=2 * size).take("a", 0, 10)
    events = filled(1, 2, max_bytes=2 * size)
    assert len(events.take("a", 0, 1)) == 1
    events.add("a", 3, event(3))
    assert len(events.take("a", 1, 10)) == 2, "the bytes of the events that were taken still count"
    events.add("a", 4, event(4))
    events.clear()
    assert not events.take("a", 3, 10)


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("own"), st.just(0)),
        st.tuples(st.just("other"), st.just(0)),
        st.tuples(st.just("take"), st.integers(1, 4)),
        st.tuples(st.just("archived elsewhere"), st.integers(1, 3)),
    )
)


@given(_STEPS)
def test_what_is_taken_is_the_log(steps: list[tuple[str, int]]) -> None:
    events, log, archived = AppendedEvents(60), [b""], 0
    for step, count in steps:
        if step == "take":
            taken = list(events.take("a", archived, count))
            assert taken == log[archived + 1 : archived + 1 + len(taken)]
            assert len(taken) <= count
            archived += len(taken)
        elif step == "archived elsewhere":
            archived = min(archived + count, len(log) - 1)
        else:
            log.append(event(len(log)))
            if step == "own":
                events.add("a", len(log) - 1, log[-1])
