"""The archive is the fold of the log, whatever the batches are."""

import itertools
from functools import partial
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update

from cloudchat.archive.archived_event import ArchivedEvent
from cloudchat.archive.event_ids import event_id
from cloudchat.archive.folding.batch_fold import LogBatch, NotFolded
from cloudchat.archive.folding.repository import fold_logs
from cloudchat.archive.history.repository import read_page
from cloudchat.archive.repository import NOTHING_ARCHIVED, add_events, read_heads
from cloudchat.broker.reads import HistoryRange
from cloudchat.core.message_fold import MessageFold
from cloudchat.core.stream_position import StreamPosition
from cloudchat.database.tables.accounts import users
from cloudchat.database.tables.archive import (
    archive_epochs,
    archive_heads,
    archived_edits,
    archived_events,
    archived_reactions,
)
from cloudchat.database.tables.rooms import rooms
from support.account_services import NOW, AccountServices, concurrently
from support.databases import on_both
from support.room_logs import LogWriter, logs

pytestmark = on_both
ALL = HistoryRange.after_seq(0, 10_000)
TABLES = (archived_reactions, archived_edits, archived_events, archive_epochs, archive_heads)


@pytest.fixture
def archive(services: AccountServices) -> "Archive":
    with services.db.write() as db:
        for id, name in (("ann", "Ann"), ("bob", "Bob")):
            db.execute(insert(users).values(id=id, name=name, name_key=id, role="member", created_at=NOW))
        db.execute(insert(rooms).values(id="other", name="other", kind="private", created_at=NOW))
    return Archive(services)


class Archive:
    """The archive of a database."""

    def __init__(self, services: AccountServices) -> None:
        self.db = services.db

    def clear(self) -> None:
        with self.db.write() as db:
            for table in TABLES:
                db.execute(delete(table))

    def fold(self, log: LogWriter, after: int, last: int, room: str = "lobby") -> bool:
        """Fold the events of the log after a seq and up to another one."""
        with self.db.write() as db:
            return isinstance(fold_logs(db, [self.batch(room, log, after, last)])[room], StreamPosition)

    def batch(self, room: str, log: LogWriter, after: int, last: int) -> LogBatch:
        """Return the events after a seq and up to another one, behind what was folded of the events before."""
        events = [event for event in log.events if after < event["seq"] <= last]
        before = [event["seq"] for event in log.events if event["seq"] <= after]
        return LogBatch(room, max(before, default=0), [msgspec.json.encode(event) for event in events])

    def rows(self) -> list[dict[str, Any]]:
        with self.db.snapshot() as db:
            return read_page(db, "lobby", ALL).newer

    def column(self, column: Any) -> list[Any]:
        with self.db.read() as db:
            return list(db.scalars(select(column).order_by(column)))


@settings(
    max_examples=60, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(log=logs(), data=st.data())
def test_any_batches_make_the_fold_of_the_log(archive: Archive, log: LogWriter, data: st.DataObject) -> None:
    archive.clear()
    seqs = [event["seq"] for event in log.events]
    cuts = data.draw(st.sets(st.sampled_from(seqs), max_size=6))
    for after, last in itertools.pairwise([0, *sorted(cuts | {seqs[-1]})]):
        assert archive.fold(log, after, last)
        expected = MessageFold(event for event in log.events if event["seq"] <= last)
        assert archive.rows() == expected.rows()
        assert not archive.fold(log, after, last), "a batch was folded twice"
    deleted = {row["seq"] for row in archive.rows() if "deleted_at" in row}
    for table in (archived_edits, archived_reactions):
        assert not deleted & set(archive.column(table.c.seq)), table.name
    with archive.db.read() as db:
        assert read_heads(db) == {"lobby": StreamPosition(log.events[-1]["epoch"], seqs[-1])}


@settings(
    max_examples=30, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(first=logs(), second=logs(), cut=st.integers(1, 40))
def test_rooms_that_are_folded_together_stay_apart(
    archive: Archive, first: LogWriter, second: LogWriter, cut: int
) -> None:
    archive.clear()
    for event in second.events:
        event["room"] = "other"
    for after, last in ((0, cut), (cut, 10_000)):
        batches = [archive.batch(room, log, after, last) for room, log in (("lobby", first), ("other", second))]
        with archive.db.write() as db:
            fold_logs(db, [batch for batch in batches if batch.events])
    with archive.db.snapshot() as db:
        rows = {room: read_page(db, room, ALL).newer for room in ("lobby", "other")}
    assert rows == {"lobby": MessageFold(first.events).rows(), "other": MessageFold(second.events).rows()}


def test_a_room_that_has_moved_or_is_unknown_does_not_stop_the_others(archive: Archive) -> None:
    log = LogWriter()
    log.message("ann", "hello")
    archive.fold(log, 0, 1, "other")
    rooms = ["gone", "lobby", "other"]
    with archive.db.write() as db:
        outcomes = fold_logs(db, [LogBatch(room, 0, log.encoded) for room in rooms])
    assert outcomes == {
        "gone": NotFolded.UNKNOWN_ROOM,
        "lobby": StreamPosition("e1", 1),
        "other": NotFolded.MOVED,
    }


@pytest.mark.parametrize("batch", [1, 2, 9])
def test_emoji_keep_the_order_of_their_first_use_until_they_are_gone(archive: Archive, batch: int) -> None:
    log = LogWriter()
    log.message("ann", "hello")
    for user, emoji, on in (("ann", "👍", True), ("ann", "🎉", True), ("bob", "👍", True), ("ann", "👍", False)):
        log.react(1, user, emoji, on=on)
    log.react(1, "ann", "👍")
    log.react(1, "ann", "🎉", on=False)
    log.react(1, "bob", "🎉")
    log.delete(1, "ann")
    for after in range(0, 9, batch):
        last = min(after + batch, 9)
        archive.fold(log, after, last)
        assert archive.rows() == MessageFold(log.events[:last]).rows()
    assert archive.column(archived_reactions.c.seq) == []


def test_earlier_texts_are_kept_with_their_times(archive: Archive) -> None:
    log = LogWriter()
    log.message("ann", "first")
    log.edit(1, "ann", "second")
    log.edit(1, "ann", "third")
    archive.fold(log, 0, 1)
    archive.fold(log, 1, 3)
    with archive.db.read() as db:
        rows = db.execute(select(archived_edits).order_by(archived_edits.c.edit_seq)).all()
    assert [(row.seq, row.edit_seq, row.at, row.text) for row in rows] == [
        (1, 2, 1_800_000_000.007, "first"),
        (1, 3, 1_800_000_000.014, "second"),
    ]


def test_a_page_has_the_current_name_of_a_user(archive: Archive) -> None:
    log = LogWriter()
    log.message("ann", "hello")
    log.notice("cli", "added", target={"id": "bob", "name": "Bob"})
    archive.fold(log, 0, 2)
    with archive.db.write() as db:
        db.execute(update(users).where(users.c.id.in_(["ann", "bob"])).values(name="Someone"))
    message, notice = archive.rows()
    assert message["user"] == {"id": "ann", "name": "Someone"}
    assert notice["user"] == {"id": "cli", "name": "cli"}
    assert notice["target"] == {"id": "bob", "name": "Someone"}


def test_an_id_that_is_taken_is_replaced_by_the_next_one(archive: Archive) -> None:
    log = LogWriter()
    log.message("ann", "hello")
    log.message("ann", "again")
    at_ms = 1_800_000_000_007
    taken = event_id(at_ms, "lobby", 1)
    with archive.db.write() as db:
        add_events(db, [("lobby", ArchivedEvent(4096 * 9 + 1, at_ms, "ann", False, "the same low bits", {}))])
    assert archive.column(archived_events.c.id) == [taken]
    assert archive.fold(log, 0, 2)
    assert archive.column(archived_events.c.id)[:2] == [taken, taken + 1]


def test_of_two_archivers_at_the_same_moment_one_folds(archive: Archive) -> None:
    log = LogWriter()
    for number in range(50):
        log.message("ann", f"m{number}")
        log.react(number + 1, "bob")
    for after, last in ((0, 30), (30, 100)):
        assert sorted(concurrently(3, partial(archive.fold, log, after, last))) == [False, False, True]
    assert archive.rows() == MessageFold(log.events).rows()


def test_another_head_than_expected_stops_the_fold(archive: Archive) -> None:
    log = LogWriter()
    for number in range(5):
        log.message("ann", f"m{number}")
    assert archive.fold(log, 0, 2)
    assert not archive.fold(log, 1, 5)
    assert not archive.fold(log, 3, 5)
    assert not archive.fold(log, 0, 5)
    assert [row["seq"] for row in archive.rows()] == [1, 2]
    with archive.db.read() as db:
        assert read_heads(db, ["lobby", "other"]).get("other", NOTHING_ARCHIVED) == NOTHING_ARCHIVED


def test_nothing_is_folded_of_a_room_that_the_database_does_not_have(archive: Archive) -> None:
    log = LogWriter(room="gone")
    log.message("ann", "hello")
    with archive.db.write() as db:
        assert fold_logs(db, [LogBatch("gone", 0, log.encoded)]) == {"gone": NotFolded.UNKNOWN_ROOM}


def test_a_page_ends_at_its_bytes_and_says_whether_there_is_more(archive: Archive) -> None:
    log = LogWriter()
    for _ in range(200):
        log.message("ann", "x" * 4000)
    archive.fold(log, 0, 200)
    with archive.db.snapshot() as db:
        page = read_page(db, "lobby", HistoryRange.before_seq(201, 200))
        assert [row["seq"] for row in page.older] == list(range(201 - len(page.older), 201))
        assert 100 < len(page.older) < 140
        assert (page.more_older, page.more_newer) == (True, False)
        page = read_page(db, "lobby", HistoryRange.around_seq(3, 10))
        assert [row["seq"] for row in [*page.older, *page.newer]] == [1, 2, 3, 4, 5, 6, 7]
        assert (page.more_older, page.more_newer) == (False, True)
