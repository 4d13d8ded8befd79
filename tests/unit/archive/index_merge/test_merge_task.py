"""`IndexMerge`: the words of deleted texts leave the files of SQLite."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from cloudchat.archive.index_merge import repository
from cloudchat.archive.index_merge.merge_task import MIN_INTERVAL_SECONDS, PAUSE_SECONDS, IndexMerge
from cloudchat.archive.index_merge.repository import MAX_INTERVAL_SECONDS, MergeState
from cloudchat.core.search_terms import search_terms
from cloudchat.database.transactions import Database
from support.account_services import NOW, AccountServices
from support.archived_rooms import ArchivedRoom

WORD = "combination"


class MergedRoom(ArchivedRoom):
    """A room with messages, and the merge of the index of its database."""

    def __init__(self, db: Database, folder: Path) -> None:
        super().__init__(db, "lobby")
        self.files = [folder / "cloudchat.db", folder / "cloudchat.db-wal"]
        self.merge = IndexMerge(db)
        for seq in range(1, 9):
            self.add(seq, NOW, "ann", f"the {WORD} number {seq}" if seq < 4 else "hello")

    def change(self, seq: int, new: str) -> None:
        with self.db.write() as db:
            values = {"text": new, "terms": search_terms(new), "seq": seq}
            db.execute(text("UPDATE archived_events SET text = :text, terms = :terms WHERE seq = :seq"), values)

    def delete_all(self) -> None:
        for seq in (1, 2, 3):
            self.change(seq, "")

    def word_is_in_files(self) -> bool:
        return any(WORD.encode() in file.read_bytes() for file in self.files)

    def run(self, now: float) -> int:
        """Make all steps that are due, and return their number."""
        steps = 1
        while self.merge.step(now + steps * PAUSE_SECONDS):
            steps += 1
            assert steps < 50, "the merge does not end"
        return steps

    @property
    def state(self) -> MergeState:
        with self.db.read() as db:
            return repository.read_state(db)


@pytest.fixture
def room(services: AccountServices, tmp_path: Path) -> MergedRoom:
    return MergedRoom(services.db, tmp_path)


@contextmanager
def reading(db: Database) -> Iterator[None]:
    """Read during the block: a transaction that needs the write-ahead log."""
    with db.read() as transaction:
        transaction.execute(text("SELECT count(*) FROM archived_events")).one()
        yield


def test_the_words_of_deleted_texts_leave_the_files(room: MergedRoom) -> None:
    room.delete_all()
    assert room.word_is_in_files()
    room.run(NOW)
    assert not room.word_is_in_files()
    assert room.state == (False, False, room.state.due_at, 0.0)
    with room.db.read() as db:
        db.execute(text("INSERT INTO archived_search (archived_search) VALUES ('integrity-check')"))


def test_the_words_of_a_text_that_was_edited_and_then_deleted_leave_the_files(room: MergedRoom) -> None:
    room.change(1, "👍")  # without a word
    room.delete_all()
    room.run(NOW)
    assert not room.word_is_in_files()


@pytest.mark.parametrize("statement", ["DELETE FROM archived_events", "UPDATE archived_events SET text='', terms=''"])
def test_a_statement_that_deletes_all_texts_is_noted(room: MergedRoom, statement: str) -> None:
    with room.db.write() as db:
        db.execute(text(statement))
    room.run(NOW)
    assert not room.word_is_in_files()


def test_new_messages_and_edits_begin_no_merge(room: MergedRoom) -> None:
    room.change(1, "another text")
    assert not room.merge.step(NOW)
    assert not room.state.merging


def test_the_next_merge_begins_after_the_interval(room: MergedRoom) -> None:
    room.change(1, "")
    room.run(NOW)
    room.delete_all()
    assert not room.merge.step(NOW + MIN_INTERVAL_SECONDS)
    assert room.word_is_in_files()
    room.run(NOW + MIN_INTERVAL_SECONDS + 10)
    assert not room.word_is_in_files()


def test_the_interval_of_a_large_index_is_bounded(room: MergedRoom) -> None:
    room.delete_all()
    with room.db.write() as db:
        repository.write_state(db, room.state._replace(merging=True, spent_seconds=1000.0))
    room.run(NOW)
    assert MAX_INTERVAL_SECONDS <= room.state.due_at - NOW < MAX_INTERVAL_SECONDS + 10


def test_a_deletion_during_a_merge_needs_another_one(room: MergedRoom) -> None:
    room.change(1, "")
    assert room.merge.step(NOW)
    room.delete_all()
    room.run(NOW)
    assert room.state.pending
    room.run(NOW + MIN_INTERVAL_SECONDS + 10)
    assert (room.state.pending, room.word_is_in_files()) == (False, False)


def test_the_steps_of_one_merge_are_made_by_any_process(room: MergedRoom) -> None:
    room.delete_all()
    others = [IndexMerge(room.db) for _ in range(3)]
    assert others[0].step(NOW)
    assert not others[1].step(NOW), "the next step is made after a pause"
    room.run(NOW)
    assert not room.word_is_in_files()


def test_while_a_reader_needs_the_write_ahead_log_the_end_is_tried_again(room: MergedRoom) -> None:
    room.delete_all()
    with reading(room.db):
        for number in range(5):
            assert room.merge.step(NOW + number)
    room.run(NOW + 6)
    assert not room.word_is_in_files()


def test_a_time_far_ahead_is_not_waited_for(room: MergedRoom) -> None:
    room.delete_all()
    with room.db.write() as db:
        repository.write_state(db, room.state._replace(due_at=NOW + 2 * MAX_INTERVAL_SECONDS))
    room.run(NOW)
    assert not room.word_is_in_files()
