"""The daily pruning: on, after a database that was away, and never twice in a row."""

import asyncio
from collections.abc import Iterator

import pytest

from cloudchat.database.daily_pruning import AGAIN_SECONDS, DAY_SECONDS, PAUSE_SECONDS, prune_daily
from cloudchat.database.transactions import DatabaseUnavailable


class Enough(Exception):
    """The test has seen what it wanted to."""


def test_it_runs_at_the_start_and_every_day_and_sooner_when_the_database_was_away() -> None:
    days = iter([[3, 0], None, [1], []])
    slept: list[float] = []

    def prune(now: float) -> Iterator[int]:
        day = next(days)
        if day is None:
            raise DatabaseUnavailable
        yield from day

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if slept.count(DAY_SECONDS) == 3:
            raise Enough

    with pytest.raises(Enough):
        asyncio.run(prune_daily(prune, sleep))
    pauses = [seconds for seconds in slept if seconds != PAUSE_SECONDS]
    assert pauses == [DAY_SECONDS, AGAIN_SECONDS, DAY_SECONDS, DAY_SECONDS]
