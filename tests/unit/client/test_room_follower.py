from itertools import count

from cloudchat.client.room_follower import RoomFollower, State
from cloudchat.client.updates import Gap, Joined, JoinRefused, RoomEvent, Update
from cloudchat.core.stream_position import StreamPosition
from unit.client.frames import Frame, error, head, joined, message, text_of


def hear(follower: RoomFollower, *frames: Frame, now: float = 0.0) -> list[Update]:
    return [update for frame in frames for update in follower.received(frame, text_of(frame), now)]


def seqs(updates: list[Update]) -> list[int]:
    return [update.seq for update in updates if isinstance(update, RoomEvent)]


def asked(follower: RoomFollower) -> Frame:
    (command,) = follower.commands
    follower.commands.clear()
    return command


def live(at: int = 3, epoch: str = "e1") -> RoomFollower:
    """A follower that has everything up to `at`."""
    follower = RoomFollower("lobby", count(1), limit=50, after=StreamPosition(epoch, at))
    follower.join(0)
    hear(follower, joined(asked(follower), "recovered", at, epoch=epoch))
    return follower


def test_first_join_asks_for_the_newest_and_delivers_them() -> None:
    follower = RoomFollower("lobby", count(1), limit=2)
    follower.join(0)
    command = asked(follower)
    assert "after" not in command
    assert command["limit"] == 2
    told = hear(follower, joined(command, "fresh", 5), message(4), message(5), message(6))
    assert told[0] == Joined("lobby", "fresh", StreamPosition("e1", 5))
    assert seqs(told) == [4, 5, 6]


def test_a_fresh_join_of_a_short_log_begins_at_its_beginning() -> None:
    follower = RoomFollower("lobby", count(1), limit=50)
    follower.join(0)
    assert seqs(hear(follower, joined(asked(follower), "fresh", 2), message(1), message(2))) == [1, 2]


def test_after_a_lost_connection_it_asks_for_what_comes_next() -> None:
    follower = live(3)
    hear(follower, message(4))
    follower.disconnected()
    follower.join(1)
    assert asked(follower)["after"] == {"epoch": "e1", "seq": 4}


def test_a_replay_cut_short_resumes_inside_the_replay() -> None:
    follower = RoomFollower("lobby", count(1), limit=3)
    follower.join(0)
    hear(follower, joined(asked(follower), "fresh", 9), message(7))
    follower.disconnected()
    follower.join(1)
    assert asked(follower)["after"] == {"epoch": "e1", "seq": 7}


def test_what_is_known_is_not_delivered_again() -> None:
    assert hear(live(3), message(3), message(2)) == []


def test_a_hole_is_asked_for_and_nothing_newer_is_delivered_before_it() -> None:
    follower = live(3)
    assert hear(follower, message(5), message(6)) == []
    command = asked(follower)
    assert command["after"] == {"epoch": "e1", "seq": 3}
    told = hear(follower, joined(command, "recovered", 6), message(4), message(5), message(6))
    assert seqs(told) == [4, 5, 6]


def test_a_head_ahead_means_that_something_was_lost() -> None:
    follower = live(3)
    hear(follower, head(3))
    assert not follower.commands
    hear(follower, head(4))
    assert asked(follower)["after"]["seq"] == 3


def test_a_head_of_another_epoch_too() -> None:
    follower = live(3)
    hear(follower, head(1, epoch="e2"), message(1, epoch="e2"))
    assert asked(follower)["after"] == {"epoch": "e1", "seq": 3}


def test_a_live_event_of_another_epoch_is_never_joined_to_this_one() -> None:
    follower = live(3)
    assert hear(follower, message(4, epoch="e2")) == []
    assert asked(follower)["after"] == {"epoch": "e1", "seq": 3}


def test_a_gap_is_told_before_what_comes_after_it() -> None:
    follower = live(3)
    follower.join(1)
    told = hear(follower, joined(asked(follower), "gap", 2, epoch="e2"), message(1, epoch="e2"), message(2, epoch="e2"))
    assert told[:2] == [
        Gap("lobby", StreamPosition("e1", 3), 1),
        Joined("lobby", "gap", StreamPosition("e2", 2)),
    ]
    assert seqs(told) == [1, 2]
    assert follower.position == StreamPosition("e2", 2)


def test_a_replay_may_hold_events_from_before_the_epoch_was_renewed() -> None:
    follower = live(9, epoch="e1")
    follower.join(1)
    told = hear(follower, joined(asked(follower), "gap", 2, epoch="e2"), message(1), message(2), message(3, epoch="e2"))
    assert seqs(told) == [1, 2, 3]


def test_a_late_answer_to_an_earlier_question_is_ignored() -> None:
    follower = live(3)
    follower.join(1)
    stale = asked(follower)
    follower.join(2)
    current = asked(follower)
    assert hear(follower, joined(stale, "recovered", 4), message(4)) == []
    assert seqs(hear(follower, joined(current, "recovered", 4), message(4))) == [4]


def test_a_refusal_that_passes_is_asked_again_at_the_named_time() -> None:
    follower = RoomFollower("lobby", count(1))
    follower.join(10)
    assert hear(follower, error(asked(follower)["id"], retry_after_ms=500), now=10) == []
    assert follower.join_at == 10.5


def test_a_refusal_for_good_is_told_and_outlives_the_connection() -> None:
    follower = RoomFollower("secret", count(1))
    follower.join(0)
    told = hear(follower, error(asked(follower)["id"], "not_found", retryable=False))
    assert told == [JoinRefused("secret", "not_found", "no")]
    follower.disconnected()
    assert follower.state is State.REFUSED


def test_leaving_keeps_the_position() -> None:
    follower = live(3)
    follower.leave()
    assert asked(follower) == {"type": "leave", "room": "lobby"}
    assert hear(follower, message(4)) == []
    follower.join(5)
    assert asked(follower)["after"]["seq"] == 3
