"""Read markers are saved in few transactions, and acknowledged only when they are saved."""

import asyncio
from collections.abc import Mapping

import pytest

from cloudchat.core.stream_position import StreamPosition
from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.realtime.ephemeral import read_markers
from cloudchat.realtime.ephemeral.read_markers import Marker, ReadMarkers

pytestmark = pytest.mark.anyio


class Saved:
    """The database: what is saved, and in how many transactions."""

    def __init__(self, positions: Mapping[Marker, int] | None = None) -> None:
        self.positions = dict(positions or {})
        self.transactions = 0
        self.away = False

    async def save(self, positions: Mapping[Marker, StreamPosition]) -> Mapping[Marker, int]:
        if self.away:
            raise DatabaseUnavailable
        self.transactions += 1
        for marker, position in positions.items():
            self.positions[marker] = max(self.positions.get(marker, 0), position.seq)
        return {marker: self.positions[marker] for marker in positions}


def at(seq: int) -> StreamPosition:
    return StreamPosition("epoch", seq)


async def test_markers_of_one_moment_share_a_transaction() -> None:
    saved = Saved({("bob", "lobby"): 9})
    markers = ReadMarkers(saved.save)
    futures = [
        markers.advance("ann", "lobby", at(3)),
        markers.advance("ann", "lobby", at(5)),
        markers.advance("ann", "lobby", at(4)),
        markers.advance("bob", "lobby", at(7)),
    ]
    assert not any(future.done() for future in futures)
    await markers.flush()
    assert [future.result() for future in futures] == [5, 5, 5, 9]
    assert saved.transactions == 1


async def test_a_marker_that_cannot_be_saved_is_not_acknowledged() -> None:
    saved = Saved()
    markers = ReadMarkers(saved.save)
    saved.away = True
    failed = markers.advance("ann", "lobby", at(3))
    await markers.flush()
    with pytest.raises(DatabaseUnavailable):
        failed.result()
    saved.away = False
    repeated = markers.advance("ann", "lobby", at(3))
    await markers.flush()
    assert repeated.result() == 3


async def test_a_transaction_and_the_queue_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_markers, "MAX_BATCH", 2)
    monkeypatch.setattr(read_markers, "MAX_COLLECTED", 3)
    saved = Saved()
    markers = ReadMarkers(saved.save)
    futures = [markers.advance(f"user {number}", "lobby", at(1)) for number in range(4)]
    with pytest.raises(DatabaseUnavailable):
        futures[3].result()
    await markers.flush()
    assert [future.done() for future in futures[:3]] == [True, True, False]
    await markers.flush()
    assert futures[2].result() == 1
    assert saved.transactions == 2


async def test_the_task_saves_what_arrives() -> None:
    markers = ReadMarkers(Saved().save)
    task = asyncio.create_task(markers.run())
    assert await markers.advance("ann", "lobby", at(1)) == 1
    assert await markers.advance("ann", "lobby", at(2)) == 2
    task.cancel()
