"""Changes of messages that only the archive has are repeated with what it knows, and in their order."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from cloudchat.broker.appends import (
    AppendCallback,
    Appended,
    AppendOutcome,
    ArchivedMessage,
    Change,
    Entry,
    Refusal,
    Refused,
)
from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.messages.message_log import MAX_ATTEMPTS, MessageLog


@dataclass
class Store:
    """A store that has only the messages from `oldest` on, and an archive whose head is `archived`."""

    oldest: int = 10
    archived: int = 9
    changes: list[Change] = field(default_factory=list)
    appended: list[str] = field(default_factory=list)

    def append(self, entry: Entry, on_done: AppendCallback) -> None:
        self.appended.append(entry.cid)
        on_done(Appended(20, "e", "now", False))

    def change(self, change: Change, on_done: AppendCallback) -> None:
        self.changes.append(change)
        is_known = change.archived is not None and change.archived.as_of >= self.archived
        if change.target < self.oldest and not is_known:
            on_done(Refused(Refusal.NOT_IN_LOG, self.archived))
        else:
            self.append(change.event, on_done)


class World:
    def __init__(self) -> None:
        self.store = Store()
        self.outcomes: dict[str, AppendOutcome] = {}
        self.tasks: list[Coroutine[Any, Any, None]] = []
        self.reads: list[int] = []
        self.database_is_away = False
        self.archived_after_read = 0
        self.log = MessageLog(self.store, self.read, lambda work, name: self.tasks.append(work))

    async def read(self, room: str, seq: int) -> ArchivedMessage:
        self.reads.append(seq)
        if self.database_is_away:
            raise DatabaseUnavailable
        as_of = self.store.archived
        self.store.archived += self.archived_after_read
        return ArchivedMessage(as_of, "ann")

    def change(self, cid: str, target: int) -> None:
        event = Entry("lobby", "ann", cid, "edited", b"", "now")
        self.log.change(Change(event, target), lambda outcome: self.outcomes.__setitem__(cid, outcome))

    def run_tasks(self) -> None:
        while self.tasks:
            asyncio.run(_awaited(self.tasks.pop(0)))


async def _awaited(work: Coroutine[Any, Any, None]) -> None:
    await work


def test_a_message_in_the_log_needs_no_archive() -> None:
    world = World()
    world.change("a", 12)
    assert isinstance(world.outcomes["a"], Appended)
    assert world.tasks == []


def test_a_message_in_the_archive_is_read_once_and_its_changes_keep_their_order() -> None:
    world = World()
    world.change("a", 3)
    world.change("b", 3)
    world.change("other", 12)
    world.log.append(Entry("lobby", "ann", "message", "message", b"", "now"), lambda outcome: None)
    assert world.store.appended == ["other", "message"], "something waits for the archive"
    world.run_tasks()
    assert world.store.appended == ["other", "message", "a", "b"]
    assert world.reads == [3]


def test_an_archive_that_has_grown_meanwhile_is_read_again() -> None:
    world = World()
    world.archived_after_read = 1
    world.change("a", 3)
    asyncio.run(_awaited(world.tasks.pop()))
    world.archived_after_read = 0
    world.run_tasks()
    assert isinstance(world.outcomes["a"], Appended)
    assert world.reads == [3, 3]


def test_an_archive_that_grows_all_the_time_ends_in_the_refusal() -> None:
    world = World()
    world.archived_after_read = 1
    world.change("a", 3)
    world.run_tasks()
    assert world.outcomes["a"] == Refused(Refusal.NOT_IN_LOG, 9 + MAX_ATTEMPTS - 1)
    assert len(world.reads) == MAX_ATTEMPTS - 1


def test_without_the_database_the_change_is_unavailable_and_can_be_repeated() -> None:
    world = World()
    world.database_is_away = True
    world.change("a", 3)
    world.change("b", 3)
    world.run_tasks()
    assert {type(outcome) for outcome in world.outcomes.values()} == {BrokerUnavailable}
    world.database_is_away = False
    world.change("c", 3)
    world.run_tasks()
    assert isinstance(world.outcomes["c"], Appended)
