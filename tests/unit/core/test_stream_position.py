import pytest

from cloudchat.core.stream_position import Continuity, JoinStatus, StreamPosition, continuity, plan_replay

POSITION = StreamPosition("e", 5)
HEAD = StreamPosition("e", 100)


@pytest.mark.parametrize(
    ("epoch", "seq", "expected"),
    [
        ("e", 6, Continuity.NEXT),
        ("e", 5, Continuity.DUPLICATE),
        ("e", 1, Continuity.DUPLICATE),
        ("e", 7, Continuity.HOLE),
        ("f", 6, Continuity.HOLE),
    ],
)
def test_continuity(epoch: str, seq: int, expected: Continuity) -> None:
    assert continuity(POSITION, epoch, seq) is expected


@pytest.mark.parametrize(
    ("after", "oldest", "expected"),
    [
        (StreamPosition("e", 100), 51, (JoinStatus.RECOVERED, 100)),  # nothing missed
        (StreamPosition("e", 60), 51, (JoinStatus.RECOVERED, 60)),
        (StreamPosition("e", 50), 51, (JoinStatus.RECOVERED, 50)),  # the first missed event is the log's oldest
        (StreamPosition("e", 49), 51, (JoinStatus.GAP, 90)),  # one event is lost: no partial replay
        (StreamPosition("old", 60), 51, (JoinStatus.GAP, 90)),
        (StreamPosition("e", 101), 51, (JoinStatus.GAP, 90)),  # the store lost an event that the client has
        (None, 51, (JoinStatus.FRESH, 90)),
        (None, 96, (JoinStatus.FRESH, 95)),  # the log has fewer events than the limit
    ],
)
def test_plan_replay(after: StreamPosition | None, oldest: int, expected: tuple[JoinStatus, int]) -> None:
    assert plan_replay(after, HEAD, oldest, 10) == expected


def test_plan_replay_of_an_empty_room_starts_at_seq_0() -> None:
    empty = StreamPosition("e", 0)
    assert plan_replay(None, empty, 1, 50) == (JoinStatus.FRESH, 0)
    assert plan_replay(empty, empty, 1, 50) == (JoinStatus.RECOVERED, 0)
