"""Progress of the sends in a room, and the choice of sampled and sending members."""

from itertools import pairwise

import pytest

from benchmarks.room import DeliveredTwice, RoomProgress, spread, spread_inner

ROOM = range(500)


def test_send_is_complete_when_the_last_member_has_received_it() -> None:
    room = RoomProgress(members=3)
    assert room.send() == 0
    assert [room.deliver(0, 1), room.deliver(0, 1)] == [False, False]
    assert (room.in_flight, room.complete) == (1, 0)
    assert room.deliver(0, 1)
    assert (room.in_flight, room.complete, room.deliveries) == (0, 1, 3)


def test_slowest_member_determines_which_sends_are_complete() -> None:
    room = RoomProgress(members=3)
    for _ in range(4):
        room.send()
    assert not room.deliver(0, 4)
    assert not room.deliver(0, 4)
    assert room.deliver(0, 2)
    assert room.complete == 2
    assert room.deliver(2, 2)
    assert (room.complete, room.in_flight, room.deliveries) == (4, 0, 12)


def test_more_deliveries_than_sends_raise_delivered_twice() -> None:
    room = RoomProgress(members=2)
    room.send()
    room.deliver(0, 1)
    with pytest.raises(DeliveredTwice, match="only 1 were sent"):
        room.deliver(1, 1)


def test_spread_includes_the_first_and_the_last_member() -> None:
    sampled = spread(ROOM, 8)
    assert (sampled[0], sampled[-1], len(set(sampled))) == (0, 499, 8)
    assert all(60 < b - a < 80 for a, b in pairwise(sampled))


def test_spread_inner_of_one_is_the_middle_member() -> None:
    assert spread_inner(ROOM, 1) == [250]


def test_spread_inner_returns_different_members() -> None:
    assert len(set(spread_inner(range(16), 16))) == 16
