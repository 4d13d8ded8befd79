"""The sampled and the sending members stand all over the room."""

from itertools import pairwise

from benchmarks.placement import spread, spread_inner

ROOM = range(500)


def test_the_sampled_include_the_first_and_the_last_that_joined() -> None:
    sampled = spread(ROOM, 8)
    assert (sampled[0], sampled[-1], len(set(sampled))) == (0, 499, 8)
    assert all(60 < b - a < 80 for a, b in pairwise(sampled))


def test_the_only_sender_stands_in_the_middle() -> None:
    assert spread_inner(ROOM, 1) == [250]


def test_senders_are_different_members() -> None:
    assert len(set(spread_inner(range(16), 16))) == 16
