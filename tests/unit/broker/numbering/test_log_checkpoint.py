import asyncio

import pytest

from cloudchat.broker.numbering.high_water_marks import HighWaterMarks, Mark
from cloudchat.broker.numbering.log_checkpoint import load_checkpoint, save_checkpoint
from cloudchat.database.transactions import DatabaseUnavailable

pytestmark = pytest.mark.anyio


class ScriptedRepository:
    """Keeps marks in memory. It fails while `available` is False."""

    def __init__(self) -> None:
        self.saved: dict[str, Mark] = {}
        self.available = True

    async def load(self) -> dict[str, Mark]:
        self._require_available()
        return self.saved

    async def save(self, marks: dict[str, Mark]) -> None:
        self._require_available()
        self.saved.update(marks)

    def _require_available(self) -> None:
        if not self.available:
            raise DatabaseUnavailable("down")


async def test_marks_that_could_not_be_saved_are_saved_by_the_next_call() -> None:
    marks, repository = HighWaterMarks(), ScriptedRepository()
    marks.observe_event("lobby", "e1", 3)
    repository.available = False
    await save_checkpoint(marks, repository.save)
    repository.available = True
    await save_checkpoint(marks, repository.save)
    assert repository.saved == {"lobby": ("e1", 3)}


async def test_marks_whose_saving_was_cancelled_are_saved_by_the_next_call() -> None:
    """At shutdown the task is cancelled, and then all marks are saved."""
    marks, repository = HighWaterMarks(), ScriptedRepository()
    marks.observe_event("lobby", "e1", 3)

    async def cancelled(_: dict[str, Mark]) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await save_checkpoint(marks, cancelled)
    await save_checkpoint(marks, repository.save)
    assert repository.saved == {"lobby": ("e1", 3)}


async def test_load_merges_the_saved_marks() -> None:
    marks, repository = HighWaterMarks(), ScriptedRepository()
    repository.saved["lobby"] = ("e1", 3)
    await load_checkpoint(marks, repository.load)
    assert marks.get("lobby") == ("e1", 3)


async def test_load_keeps_the_marks_when_the_database_is_unavailable() -> None:
    marks, repository = HighWaterMarks(), ScriptedRepository()
    marks.observe_event("lobby", "e1", 3)
    repository.available = False
    await load_checkpoint(marks, repository.load)
    assert marks.get("lobby") == ("e1", 3)
