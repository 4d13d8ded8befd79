"""The names of erased users leave the memory of the feeds, once for each erasure."""

import asyncio
from collections.abc import Collection

import pytest

from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.realtime.feeds.erased_names import OVERLAP_SECONDS, ErasedNames

NOW = 2_000_000_000.0


class Erasures:
    """The finished erasures, by user id, and the users that were forgotten."""

    def __init__(self) -> None:
        self.finished: dict[str, float] = {}
        self.forgotten: list[str] = []
        self.is_away = False
        self.names = ErasedNames(self.read, self)

    async def read(self, since: float) -> Collection[str]:
        if self.is_away:
            raise DatabaseUnavailable("away")
        return [user for user, at in self.finished.items() if at >= since]

    def forget_user(self, user_id: str) -> None:
        self.forgotten.append(user_id)

    def check(self, now: float) -> list[str]:
        asyncio.run(self.names.check(now))
        return self.forgotten


def test_each_erased_user_is_forgotten_once() -> None:
    erasures = Erasures()
    assert erasures.check(NOW) == []
    erasures.finished["bob"] = NOW + 1
    assert erasures.check(NOW + 2) == ["bob"]
    erasures.finished["cid"] = NOW + 3
    assert erasures.check(NOW + 4) == ["bob", "cid"]
    assert erasures.check(NOW + OVERLAP_SECONDS * 3) == ["bob", "cid"]


def test_an_erasure_that_is_seen_late_is_not_missed() -> None:
    erasures = Erasures()
    erasures.check(NOW)
    erasures.is_away = True
    erasures.finished["bob"] = NOW + 1
    with pytest.raises(DatabaseUnavailable):
        erasures.check(NOW + 2)
    erasures.is_away = False
    assert erasures.check(NOW + OVERLAP_SECONDS * 2) == ["bob"]
    erasures.finished["cid"] = NOW + OVERLAP_SECONDS * 2 - 100  # committed late, or by a clock that is behind
    assert erasures.check(NOW + OVERLAP_SECONDS * 2 + 2) == ["bob", "cid"]
