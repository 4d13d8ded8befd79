"""A send is complete when the slowest member has it."""

import pytest

from benchmarks.progress import DeliveredTwice, RoomProgress


def test_a_send_is_complete_with_the_last_member() -> None:
    room = RoomProgress(members=3)
    assert room.send() == 0
    assert [room.deliver(0, 1), room.deliver(0, 1)] == [False, False]
    assert (room.in_flight, room.complete) == (1, 0)
    assert room.deliver(0, 1)
    assert (room.in_flight, room.complete, room.deliveries) == (0, 1, 3)


def test_one_slow_member_holds_back_everything_the_others_already_have() -> None:
    room = RoomProgress(members=3)
    for _ in range(4):
        room.send()
    assert not room.deliver(0, 4)
    assert not room.deliver(0, 4)
    assert room.deliver(0, 2)
    assert room.complete == 2
    assert room.deliver(2, 2)
    assert (room.complete, room.in_flight, room.deliveries) == (4, 0, 12)


def test_a_message_that_was_never_sent_is_an_error() -> None:
    room = RoomProgress(members=2)
    room.send()
    room.deliver(0, 1)
    with pytest.raises(DeliveredTwice, match="only 1 were sent"):
        room.deliver(1, 1)
