"""The archiver finds every room that is behind, in bounded transactions, whatever fails and whoever else archives."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

import msgspec
import pytest
from sqlalchemy import insert

from cloudchat.archive.archiver import Archiver
from cloudchat.archive.batch_reader import MAX_EVENTS
from cloudchat.archive.folding.batch_fold import FoldOutcome, LogBatch
from cloudchat.archive.service import ArchiveService
from cloudchat.broker.archiving.log_archive import LogArchive, UnarchivedEvents, UnarchivedRange
from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.broker.reads import HistoryRange
from cloudchat.core.message_fold import MessageFold
from cloudchat.core.stream_position import StreamPosition
from cloudchat.database.tables.rooms import rooms
from cloudchat.database.transactions import DatabaseUnavailable
from support.account_services import NOW, AccountServices
from support.room_logs import LogWriter

ROOMS = ("a", "b", "c")
ALL = HistoryRange.after_seq(0, 10_000)


class Store:
    """The logs of rooms, and what the archivers have reported."""

    def __init__(self, archive: ArchiveService) -> None:
        self.archive = archive
        self.logs = {room: LogWriter(room) for room in (*ROOMS, "unknown")}
        self.queue: dict[str, None] = {}
        self.reported: dict[str, int] = {}
        self.reads: list[str] = []
        self.is_away = False

    async def heads(self, rooms: Sequence[str]) -> list[StreamPosition]:
        self._check()
        return [StreamPosition("e1", self.logs[room].next_seq - 1 if room in self.logs else 0) for room in rooms]

    async def queued_rooms(self, limit: int) -> Sequence[str]:
        self._check()
        return list(self.queue)[:limit]

    async def dequeue_rooms(self, read_at: Mapping[str, str]) -> None:
        for room in read_at:
            self.queue.pop(room, None)

    async def unarchived(self, ranges: Sequence[UnarchivedRange]) -> list[UnarchivedEvents]:
        self._check()
        self.reads += [wanted.room for wanted in ranges]
        return [self._unarchived(wanted) for wanted in ranges]

    def _unarchived(self, wanted: UnarchivedRange) -> UnarchivedEvents:
        log = self.logs[wanted.room]
        events = [event for event in log.events if event["seq"] > wanted.after][: wanted.limit]
        found = [(event["seq"], msgspec.json.encode(event)) for event in events]
        head = log.next_seq - 1
        return UnarchivedEvents(found, found[-1][0] if len(found) == wanted.limit else head, head, "1.5")

    async def archived(self, heads: Mapping[str, int]) -> None:
        self._check()
        for room, seq in heads.items():
            assert seq <= self.archive.heads()[room].seq, "the log would be trimmed before the commit"
            self.reported[room] = max(self.reported.get(room, 0), seq)

    def _check(self) -> None:
        if self.is_away:
            raise BrokerUnavailable("the store is away")


class Sql:
    """The archive on a real database, which can be away."""

    def __init__(self, service: ArchiveService) -> None:
        self.service = service
        self.is_away = False
        self.transactions: list[list[LogBatch]] = []

    async def archived_heads(self, rooms: Collection[str] | None) -> Mapping[str, StreamPosition]:
        self._check()
        return self.service.heads(rooms)

    async def room_ids(self) -> Sequence[str]:
        self._check()
        return self.service.room_ids()

    async def fold_logs(self, batches: Sequence[LogBatch]) -> Sequence[FoldOutcome]:
        self._check()
        self.transactions.append(list(batches))
        return self.service.fold(batches)

    def _check(self) -> None:
        if self.is_away:
            raise DatabaseUnavailable


class World:
    """A store, a database, and any number of archivers on them."""

    def __init__(self, services: AccountServices) -> None:
        service = ArchiveService(services.db)
        self.store = Store(service)
        self.sql = Sql(service)
        self.time = 0.0

    def archiver(self) -> Archiver:
        return Archiver(self.store, cast("LogArchive", self.store), self.sql, lambda: self.time)

    def append(self, room: str, count: int, by: Archiver | None = None) -> None:
        for _ in range(count):
            seq = self.store.logs[room].message("ann", f"m{self.store.logs[room].next_seq}")
            self.store.queue[room] = None
            if by is not None:
                by.appended(room, seq, msgspec.json.encode(self.store.logs[room].events[-1]))

    def rows(self, room: str) -> list[dict[str, Any]]:
        return self.sql.service.page(room, ALL).newer

    def check(self) -> None:
        for room in ROOMS:
            assert self.rows(room) == MessageFold(self.store.logs[room].events).rows()
            assert self.store.reported.get(room, 0) == self.store.logs[room].next_seq - 1


def finish(archiver: Archiver) -> None:
    async def steps() -> None:
        while await archiver.archive_some():
            pass

    asyncio.run(steps())


@pytest.fixture
def world(services: AccountServices) -> World:
    with services.db.write() as db:
        for room in ROOMS:
            db.execute(insert(rooms).values(id=room, name=room, kind="private", created_at=NOW))
    return World(services)


def test_rooms_are_archived_together_in_one_transaction(world: World) -> None:
    archiver = world.archiver()
    for room in ROOMS:
        world.append(room, 3, archiver)
    finish(archiver)
    world.check()
    assert [len(batches) for batches in world.sql.transactions] == [3]
    assert (archiver.lag_events, archiver.lag_seconds) == (0, 0.0)


def test_a_batch_that_waits_for_sql_counts_as_behind(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that hangs lets each batch wait for its timeout: a scrape nearly always meets one."""
    archiver, fold, seen = world.archiver(), world.sql.fold_logs, []

    async def observe(batches: Sequence[LogBatch]) -> Sequence[FoldOutcome]:
        seen.append((archiver.lag_events, archiver.lag_seconds))
        return await fold(batches)

    monkeypatch.setattr(world.sql, "fold_logs", observe)
    world.append("a", 3, by=archiver)
    world.time = 70.0
    finish(archiver)
    assert seen == [(3, 70.0)]
    assert (archiver.lag_events, archiver.lag_seconds) == (0, 0.0)


def test_a_long_log_is_archived_in_bounded_transactions_beside_other_rooms(world: World) -> None:
    archiver = world.archiver()
    world.append("a", 3 * MAX_EVENTS, archiver)
    world.append("b", 2, archiver)
    asyncio.run(archiver.archive_some())
    asyncio.run(archiver.archive_some())
    assert len(world.rows("b")) == 2, "a long log holds up the others"
    world.time = 7.0
    assert archiver.lag_seconds == 7.0
    assert archiver.lag_events == 3 * MAX_EVENTS - len(world.rows("a"))
    finish(archiver)
    world.check()
    assert all(sum(len(batch.events) for batch in batches) <= MAX_EVENTS for batches in world.sql.transactions)


def test_the_appends_to_a_room_are_collected_before_it_is_archived(world: World) -> None:
    archiver = world.archiver()
    world.append("a", 2, archiver)
    world.time = 0.4
    world.append("a", 1, archiver)
    world.append("b", 1, archiver)
    assert not asyncio.run(archiver.archive_some(0.5))
    world.time = 0.5
    assert not asyncio.run(archiver.archive_some(0.5))
    assert [len(world.rows(room)) for room in ROOMS] == [3, 0, 0]
    world.time = 0.9
    asyncio.run(archiver.archive_some(0.5))
    world.check()


def test_what_is_appended_during_a_turn_is_collected_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy room was archived without a pause: 50 transactions a second with a few events each."""
    archiver = world.archiver()
    world.append("a", 3, by=archiver)
    fold = world.sql.fold_logs

    async def fold_beside_an_append(batches: Sequence[LogBatch]) -> Sequence[FoldOutcome]:
        world.append("a", 1, by=archiver)
        return await fold(batches)

    monkeypatch.setattr(world.sql, "fold_logs", fold_beside_an_append)
    world.time = 1.0
    asyncio.run(archiver.archive_some(0.5))
    world.time = 1.25
    assert archiver.lag_seconds == 0.25
    asyncio.run(archiver.archive_some(0.5))
    assert len(world.sql.transactions) == 1
    world.time = 1.5
    asyncio.run(archiver.archive_some(0.5))
    assert [len(batches[0].events) for batches in world.sql.transactions] == [3, 1]


def test_the_events_of_this_process_are_not_read_from_the_store(world: World) -> None:
    archiver = world.archiver()
    world.append("a", 600, archiver)  # more than one batch
    finish(archiver)
    world.append("a", 2, archiver)
    finish(archiver)
    assert (len(world.rows("a")), world.store.reads) == (602, [])


def test_the_events_of_other_processes_are_read_from_the_store(world: World) -> None:
    archiver = world.archiver()
    world.append("a", 2)
    world.append("a", 2, archiver)
    finish(archiver)
    world.append("a", 1, archiver)
    world.append("a", 1)
    world.append("a", 1, archiver)
    finish(archiver)
    assert len(world.rows("a")) == 7
    assert world.store.reads == ["a", "a"]


def test_a_turn_that_failed_is_repeated_from_the_store(world: World) -> None:
    """Not from memory: a text that is deleted meanwhile would stay there for as long as SQL is away."""
    archiver = world.archiver()
    world.append("a", 2, archiver)
    finish(archiver)
    world.append("a", 2, archiver)
    world.sql.is_away = True
    with pytest.raises(DatabaseUnavailable):
        asyncio.run(archiver.archive_some())
    world.sql.is_away = False
    finish(archiver)
    assert len(world.rows("a")) == 4
    assert world.store.reads == ["a"]


def test_existing_logs_are_found_at_the_start(world: World) -> None:
    world.append("a", 5)
    world.store.queue.clear()  # as after an upgrade
    archiver = world.archiver()
    asyncio.run(archiver.compare_all())
    finish(archiver)
    assert len(world.rows("a")) == 5


def test_what_a_killed_process_has_left_behind_is_found_in_the_queue(world: World) -> None:
    killed = world.archiver()
    world.append("a", 5, killed)
    other = world.archiver()
    asyncio.run(other.look_into_queue())
    finish(other)
    world.check()
    asyncio.run(other.look_into_queue())
    finish(other)
    assert not world.store.queue, "a room with nothing to archive stays in the queue"


def test_a_kill_between_the_commit_and_the_report_is_repaired(world: World) -> None:
    world.append("a", 5)
    world.sql.service.fold([LogBatch("a", 0, world.store.logs["a"].encoded)])
    archiver = world.archiver()
    asyncio.run(archiver.look_into_queue())
    finish(archiver)
    world.check()


def test_two_archivers_of_one_room_fold_each_event_once(world: World) -> None:
    first, second = world.archiver(), world.archiver()
    world.append("a", 5, first)
    world.append("a", 5, second)
    finish(first)
    world.append("a", 5, second)
    finish(second)
    world.append("a", 5, first)
    world.append("b", 5, first)
    finish(first)  # its head of `a` is not the newest: it reads it again
    finish(first)
    world.check()


def test_nothing_is_lost_while_sql_or_the_store_is_away(world: World) -> None:
    archiver = world.archiver()
    world.append("a", 3, archiver)
    for away in (world.sql, world.store):
        away.is_away = True
        for _ in range(2):
            with pytest.raises((DatabaseUnavailable, BrokerUnavailable)):
                asyncio.run(archiver.archive_some())
            world.append("a", 3, archiver)
        away.is_away = False
    world.time = 9.0
    assert archiver.lag_seconds == 9.0
    finish(archiver)
    world.check()


def test_a_damaged_log_does_not_stop_the_others(world: World) -> None:
    archiver = world.archiver()
    world.append("b", 2, archiver)
    world.append("a", 1)
    world.store.logs["a"].events[0]["at"] = "yesterday"
    archiver.appended("a", 1, world.store.logs["a"].encoded[0])
    world.append("c", 2, archiver)
    finish(archiver)
    assert [len(world.rows(room)) for room in ROOMS] == [0, 2, 2]
    assert archiver.failures == 1
    world.time = 5.0
    assert (archiver.lag_seconds, archiver.lag_events) == (5.0, 1)
    world.store.logs["a"].events[0]["at"] = world.store.logs["b"].events[0]["at"]
    asyncio.run(archiver.look_into_queue())
    finish(archiver)
    world.check()


def test_a_room_that_the_database_does_not_have_is_left_alone(world: World) -> None:
    archiver = world.archiver()
    world.append("unknown", 2, archiver)
    world.append("a", 2, archiver)
    finish(archiver)
    asyncio.run(archiver.look_into_queue())
    assert archiver.lag_seconds == 0.0
    assert archiver.failures == 0
    world.check()
