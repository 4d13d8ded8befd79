import pytest

from cloudchat.core.stream_position import Resumption, Step, StreamPosition, resume, step

AT = StreamPosition("e", 5)


@pytest.mark.parametrize(
    ("epoch", "seq", "expected"),
    [("e", 6, Step.NEXT), ("e", 5, Step.KNOWN), ("e", 1, Step.KNOWN), ("e", 7, Step.HOLE), ("f", 6, Step.HOLE)],
)
def test_step(epoch, seq, expected):
    assert step(AT, epoch, seq) is expected


HEAD = StreamPosition("e", 100)


@pytest.mark.parametrize(
    ("after", "oldest", "expected"),
    [
        (StreamPosition("e", 100), 51, (Resumption.RECOVERED, 100)),  # nothing missed
        (StreamPosition("e", 60), 51, (Resumption.RECOVERED, 60)),
        (StreamPosition("e", 50), 51, (Resumption.RECOVERED, 50)),  # the first one missed is the oldest kept
        (StreamPosition("e", 49), 51, (Resumption.GAP, 90)),  # one is lost: no partial replay
        (StreamPosition("old", 60), 51, (Resumption.GAP, 90)),
        (StreamPosition("e", 101), 51, (Resumption.GAP, 90)),  # from the future: the store lost it
        (None, 51, (Resumption.FRESH, 90)),
        (None, 96, (Resumption.FRESH, 95)),  # fewer are kept than asked for
    ],
)
def test_resume(after, oldest, expected):
    assert resume(after, HEAD, oldest, 10) == expected


def test_an_empty_room_is_joined_at_its_beginning():
    assert resume(None, StreamPosition("e", 0), 1, 50) == (Resumption.FRESH, 0)
    assert resume(StreamPosition("e", 0), StreamPosition("e", 0), 1, 50) == (Resumption.RECOVERED, 0)
