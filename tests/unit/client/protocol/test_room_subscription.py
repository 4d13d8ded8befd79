from itertools import count

from cloudchat.client.protocol.room_events import RoomEvent
from cloudchat.client.protocol.room_subscription import RoomSubscription, State
from cloudchat.client.protocol.updates import Gap, Joined, JoinRefused, Update
from cloudchat.core.stream_position import StreamPosition
from unit.client.frames import Frame, error, head, joined, message, text_of


def receive(subscription: RoomSubscription, *frames: Frame, now: float = 0.0) -> list[Update]:
    return [update for frame in frames for update in subscription.receive(frame, text_of(frame), now)]


def seqs(updates: list[Update]) -> list[int]:
    return [update.seq for update in updates if isinstance(update, RoomEvent)]


def take_command(subscription: RoomSubscription, now: float = 0.0) -> Frame:
    assert subscription.state is State.WAITING
    return subscription.take_join(now)


def live(at: int = 3, epoch: str = "e1") -> RoomSubscription:
    """Return a live subscription whose position is `at`."""
    subscription = RoomSubscription("lobby", count(1), limit=50, after=StreamPosition(epoch, at))
    subscription.join(0)
    receive(subscription, joined(take_command(subscription), "recovered", at, epoch=epoch))
    return subscription


def test_the_first_join_delivers_the_newest_events() -> None:
    subscription = RoomSubscription("lobby", count(1), limit=2)
    subscription.join(0)
    command = take_command(subscription)
    assert "after" not in command
    assert command["limit"] == 2
    updates = receive(subscription, joined(command, "fresh", 5), message(4), message(5), message(6))
    assert updates[0] == Joined("lobby", "fresh", StreamPosition("e1", 5))
    assert seqs(updates) == [4, 5, 6]


def test_a_fresh_join_of_a_short_log_starts_at_seq_1() -> None:
    subscription = RoomSubscription("lobby", count(1), limit=50)
    subscription.join(0)
    assert seqs(receive(subscription, joined(take_command(subscription), "fresh", 2), message(1), message(2))) == [1, 2]


def test_a_join_after_a_lost_connection_names_the_position() -> None:
    subscription = live(3)
    receive(subscription, message(4))
    subscription.disconnected()
    subscription.join(1)
    assert take_command(subscription)["after"] == {"epoch": "e1", "seq": 4}


def test_an_interrupted_replay_resumes_inside_the_replay() -> None:
    subscription = RoomSubscription("lobby", count(1), limit=3)
    subscription.join(0)
    receive(subscription, joined(take_command(subscription), "fresh", 9), message(7))
    subscription.disconnected()
    subscription.join(1)
    assert take_command(subscription)["after"] == {"epoch": "e1", "seq": 7}


def test_duplicates_are_not_delivered() -> None:
    assert receive(live(3), message(3), message(2)) == []


def test_a_hole_is_joined_again_before_newer_events_are_delivered() -> None:
    subscription = live(3)
    assert receive(subscription, message(5), message(6)) == []
    command = take_command(subscription)
    assert command["after"] == {"epoch": "e1", "seq": 3}
    updates = receive(subscription, joined(command, "recovered", 6), message(4), message(5), message(6))
    assert seqs(updates) == [4, 5, 6]


def test_a_head_ahead_of_the_position_joins_again() -> None:
    subscription = live(3)
    receive(subscription, head(3))
    assert subscription.state is State.LIVE
    receive(subscription, head(4))
    assert take_command(subscription)["after"]["seq"] == 3


def test_a_head_of_another_epoch_joins_again() -> None:
    subscription = live(3)
    receive(subscription, head(1, epoch="e2"), message(1, epoch="e2"))
    assert take_command(subscription)["after"] == {"epoch": "e1", "seq": 3}


def test_a_live_event_of_another_epoch_is_not_delivered() -> None:
    subscription = live(3)
    assert receive(subscription, message(4, epoch="e2")) == []
    assert take_command(subscription)["after"] == {"epoch": "e1", "seq": 3}


def test_a_live_event_of_a_new_epoch_joins_again_even_if_its_seq_was_replayed_before() -> None:
    subscription = live(9)
    assert receive(subscription, message(4, epoch="e2"), message(5, epoch="e2")) == []
    assert take_command(subscription)["after"] == {"epoch": "e1", "seq": 9}


def test_an_event_that_a_replay_has_passed_is_live_and_joins_again_when_its_epoch_is_another() -> None:
    subscription = RoomSubscription("lobby", count(1))
    subscription.join(0)
    receive(subscription, joined(take_command(subscription), "fresh", 9), message(1), message(2))
    assert receive(subscription, message(2, epoch="e2")) == []
    assert take_command(subscription)["after"] == {"epoch": "e1", "seq": 2}


def test_a_gap_is_reported_before_the_events_after_it() -> None:
    subscription = live(3)
    subscription.join(1)
    updates = receive(
        subscription,
        joined(take_command(subscription), "gap", 2, epoch="e2"),
        message(1, epoch="e2"),
        message(2, epoch="e2"),
    )
    assert updates[:2] == [
        Gap("lobby", StreamPosition("e1", 3), 1),
        Joined("lobby", "gap", StreamPosition("e2", 2)),
    ]
    assert seqs(updates) == [1, 2]
    assert subscription.position == StreamPosition("e2", 2)


def test_a_replay_may_contain_events_of_an_earlier_epoch() -> None:
    subscription = live(9, epoch="e1")
    subscription.join(1)
    updates = receive(
        subscription,
        joined(take_command(subscription), "gap", 2, epoch="e2"),
        message(1),
        message(2),
        message(3, epoch="e2"),
    )
    assert seqs(updates) == [1, 2, 3]


def test_a_late_reply_to_an_earlier_join_is_ignored() -> None:
    subscription = live(3)
    subscription.join(1)
    stale = take_command(subscription)
    subscription.join(2)
    current = take_command(subscription)
    assert receive(subscription, joined(stale, "recovered", 4), message(4)) == []
    assert seqs(receive(subscription, joined(current, "recovered", 4), message(4))) == [4]


def test_a_temporary_error_is_retried_at_the_named_time() -> None:
    subscription = RoomSubscription("lobby", count(1))
    subscription.join(10)
    assert receive(subscription, error(take_command(subscription)["id"], retry_after_ms=500), now=10) == []
    assert (subscription.state, subscription.join_at) == (State.WAITING, 10.5)


def test_a_permanent_error_is_reported_and_outlives_the_connection() -> None:
    subscription = RoomSubscription("secret", count(1))
    subscription.join(0)
    updates = receive(subscription, error(take_command(subscription)["id"], "not_found", retryable=False))
    assert updates == [JoinRefused("secret", "not_found", "no")]
    subscription.disconnected()
    assert subscription.state is State.REFUSED


def test_leave_keeps_the_position() -> None:
    subscription = live(3)
    assert subscription.leave() == {"type": "leave", "room": "lobby"}
    assert receive(subscription, message(4)) == []
    subscription.join(5)
    assert take_command(subscription)["after"]["seq"] == 3


def test_a_room_that_waits_to_be_joined_again_is_left() -> None:
    subscription = live(3)
    receive(subscription, message(5))
    assert subscription.state is State.WAITING
    assert subscription.leave() == {"type": "leave", "room": "lobby"}


def test_a_room_that_the_server_does_not_deliver_is_not_left() -> None:
    waiting = RoomSubscription("lobby", count(1))
    waiting.join(0)
    assert waiting.leave() is None
    refused = RoomSubscription("lobby", count(1))
    refused.join(0)
    receive(refused, error(take_command(refused)["id"]))
    assert refused.leave() is None
    lost = live(3)
    lost.disconnected()
    assert lost.leave() is None
