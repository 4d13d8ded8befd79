"""Hot log and archive are read as one: the same page as if everything were in one log, wherever the archive ends."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudchat.archive.history.reader import MAX_UNARCHIVED_EVENTS, HistoryReader
from cloudchat.archive.history.repository import MAX_PAGE_BYTES, ArchivedPage
from cloudchat.broker.archiving.log_archive import LogArchive, UnarchivedEvents, UnarchivedRange
from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.broker.reads import HistoryRange, HistoryRows
from cloudchat.core import message_fold
from cloudchat.core.message_fold import MessageFold
from cloudchat.core.stream_position import StreamPosition
from cloudchat.database.transactions import DatabaseUnavailable
from support.room_logs import LogWriter, logs

Rows = list[dict[str, Any]]


def page_of(rows: Rows, wanted: HistoryRange) -> tuple[Rows, Rows, bool, bool]:
    """Return the rows of a range before and from its seqs, and whether there are more of each."""
    before = [row for row in rows if row["seq"] < wanted.before]
    start = [row for row in rows if row["seq"] >= wanted.start]
    older = before[max(0, len(before) - wanted.rows_before) :]
    return older, start[: wanted.rows_from], len(before) > wanted.rows_before, len(start) > wanted.rows_from


class World:
    """A room's log that has been trimmed to `oldest`, and an archive of everything up to `archived`."""

    def __init__(self, log: LogWriter, oldest: int, archived: int) -> None:
        self.log = log
        self.head = log.events[-1]["seq"]
        self.oldest = oldest
        self.archived = archived
        self.database_is_away = False
        self.before_archive_read: Callable[[], None] = lambda: None
        self.archive_reads = 0

    def fold(self, last: int) -> Rows:
        return MessageFold(event for event in self.log.events if event["seq"] <= last).rows()

    async def history(self, room: str, wanted: HistoryRange) -> HistoryRows:
        rows = [row for row in self.fold(self.head) if row["seq"] >= self.oldest]
        older, newer, more_before, more_after = page_of(rows, wanted)
        encoded = [msgspec.json.encode(row) for row in [*older, *newer]]
        return HistoryRows("now", self.head, self.oldest, 1, encoded, more_before, more_after)

    async def unarchived(self, ranges: Sequence[UnarchivedRange]) -> list[UnarchivedEvents]:
        (wanted,) = ranges
        events = [event for event in self.log.events if wanted.after < event["seq"] <= self.head]
        found = [(event["seq"], msgspec.json.encode(event)) for event in events[: wanted.limit]]
        through = found[-1][0] if len(events) > wanted.limit else self.head
        return [UnarchivedEvents(found, through, self.head, "1.5")]

    async def archived_page(self, room: str, wanted: HistoryRange, *, all_users: bool) -> ArchivedPage:
        self.archive_reads += 1
        self.before_archive_read()
        if self.database_is_away:
            raise DatabaseUnavailable
        listed = message_fold.MAX_LISTED_USERS
        message_fold.MAX_LISTED_USERS = 10_000 if all_users else listed
        try:
            older, newer, more_older, more_newer = page_of(self.fold(self.archived), wanted)
        finally:
            message_fold.MAX_LISTED_USERS = listed
        return ArchivedPage(StreamPosition("e", self.archived), older, newer, more_older, more_newer)

    def read(self, wanted: HistoryRange) -> HistoryRows:
        return asyncio.run(HistoryReader(self, cast("LogArchive", self), self).read("lobby", wanted))

    def check(self, wanted: HistoryRange) -> None:
        found = self.read(wanted)
        older, newer, more_before, more_after = page_of(self.fold(found.as_of), wanted)
        assert [msgspec.json.decode(row) for row in found.rows] == [*older, *newer]
        assert (found.more_before, found.more_after) == (more_before, more_after)
        assert found.as_of == self.head


@st.composite
def worlds(draw: st.DrawFn) -> World:
    log = draw(logs())
    seqs = [0, *(event["seq"] for event in log.events)]
    archived = draw(st.sampled_from(seqs))
    oldest = draw(st.sampled_from([seq for seq in seqs if seq <= archived])) + 1
    return World(log, oldest, archived)


RANGES = st.builds(
    lambda make, seq, limit: make(seq, limit),
    st.sampled_from([HistoryRange.before_seq, HistoryRange.after_seq, HistoryRange.around_seq]),
    st.integers(0, 60),
    st.integers(1, 12),
)


@settings(max_examples=150, deadline=None, database=None)
@given(world=worlds(), wanted=RANGES)
def test_any_page_is_that_of_the_whole_log(world: World, wanted: HistoryRange) -> None:
    world.check(wanted)


@settings(max_examples=80, deadline=None, database=None)
@given(world=worlds(), wanted=RANGES, grows=st.lists(st.booleans(), max_size=4))
def test_an_archive_that_grows_meanwhile_changes_nothing(world: World, wanted: HistoryRange, grows: list[bool]) -> None:
    def grow() -> None:
        if grows and grows.pop():
            world.log.message("ann", "new")
            world.log.edit(1, "ann", f"edit {world.log.next_seq}")
            world.head = world.archived = world.log.next_seq - 1

    world.before_archive_read = grow
    world.check(wanted)


def long_log(messages: int, text: str = "x") -> LogWriter:
    log = LogWriter()
    for _ in range(messages):
        log.message("ann", text)
    return log


def test_the_hot_log_is_read_without_the_database() -> None:
    world = World(long_log(20), oldest=11, archived=15)
    world.database_is_away = True
    world.check(HistoryRange.before_seq(21, 5))
    found = world.read(HistoryRange.before_seq(13, 5))
    assert [msgspec.json.decode(row)["seq"] for row in found.rows] == [11, 12]
    assert found.more_before


@pytest.mark.parametrize(
    "wanted", [HistoryRange.before_seq(11, 5), HistoryRange.after_seq(3, 5), HistoryRange.around_seq(10, 5)]
)
def test_what_is_older_than_the_hot_log_is_unavailable_without_the_database(wanted: HistoryRange) -> None:
    world = World(long_log(20), oldest=11, archived=15)
    world.database_is_away = True
    with pytest.raises(BrokerUnavailable):
        world.read(wanted)


def test_a_log_that_was_never_trimmed_needs_no_archive() -> None:
    world = World(long_log(20), oldest=1, archived=15)
    for wanted in (HistoryRange.before_seq(5, 50), HistoryRange.after_seq(0, 50), HistoryRange.around_seq(5, 3)):
        world.check(wanted)
    assert world.archive_reads == 0


def test_a_reaction_by_a_user_who_is_not_listed_is_counted_once() -> None:
    users = {f"u{number}": f"User {number}" for number in range(30)}
    log = LogWriter(users=users)
    log.message("u0", "hello")
    for user in users:
        log.react(1, user)
    log.react(1, "u25", on=False)
    log.react(1, "u26", on=False)
    log.react(1, "u26")
    world = World(log, oldest=20, archived=31)
    world.check(HistoryRange.before_seq(5, 10))
    (row,) = map(msgspec.json.decode, world.read(HistoryRange.before_seq(5, 10)).rows)
    assert row["reactions"] == [{"emoji": "👍", "count": 29, "users": list(users)[:20]}]


def test_a_page_of_both_has_a_bounded_size() -> None:
    world = World(long_log(200, "x" * 8000), oldest=101, archived=150)
    found = world.read(HistoryRange.around_seq(101, 200))
    assert sum(map(len, found.rows)) <= MAX_PAGE_BYTES
    assert (found.more_before, found.more_after) == (True, True)
    seqs = [msgspec.json.decode(row)["seq"] for row in found.rows]
    assert seqs == list(range(seqs[0], seqs[-1] + 1))
    assert seqs[0] < 101 < seqs[-1]


def test_an_archive_that_is_far_behind_is_unavailable() -> None:
    world = World(long_log(MAX_UNARCHIVED_EVENTS + 100), oldest=11, archived=10)
    with pytest.raises(BrokerUnavailable):
        world.read(HistoryRange.before_seq(5, 5))


def test_rows_of_an_earlier_numbering_are_read_before_they_are_archived() -> None:
    """The store was set back: it continues at 9, and has 5 to 6 of the earlier numbering, which are not archived."""
    log = long_log(6)
    log.lose(2)
    log.message("ann", "after the loss")
    world = World(log, oldest=9, archived=4)
    world.check(HistoryRange.before_seq(100, 4))
    world.check(HistoryRange.after_seq(3, 4))


def test_an_archive_that_is_ahead_of_the_store_has_the_last_word() -> None:
    world = World(long_log(10), oldest=9, archived=10)
    world.head = 8
    found = world.read(HistoryRange.before_seq(9, 3))
    assert (found.as_of, [msgspec.json.decode(row)["seq"] for row in found.rows]) == (10, [6, 7, 8])
