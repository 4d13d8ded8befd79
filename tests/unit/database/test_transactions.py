"""Transactions: writers wait for each other, and an unavailable database raises DatabaseUnavailable."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from cloudchat.database.engine import create_engine
from cloudchat.database.migrations import upgrade
from cloudchat.database.transactions import Database, DatabaseUnavailable, after_commit
from support.account_services import concurrently


@pytest.fixture
def db(tmp_path: Path) -> Database:
    url = f"sqlite:///{tmp_path / 'cloudchat.db'}"
    upgrade(url)
    return Database(create_engine(url))


def test_concurrent_read_modify_writes_lose_no_update(db: Database) -> None:
    def add_one() -> None:
        with db.write() as transaction:
            name = transaction.execute(text("SELECT name FROM rooms")).scalar()
            count = 0 if name == "lobby" else int(str(name))
            transaction.execute(text("UPDATE rooms SET name = :name"), {"name": str(count + 1)})

    assert concurrently(20, add_one) == [None] * 20
    with db.read() as transaction:
        assert transaction.execute(text("SELECT name FROM rooms")).scalar() == "20"


def test_a_full_disk_is_named(db: Database) -> None:
    def fill() -> None:
        with db.write() as transaction:
            pages = transaction.execute(text("PRAGMA page_count")).scalar_one()
            transaction.execute(text(f"PRAGMA max_page_count = {pages}"))
            transaction.execute(text("UPDATE rooms SET topic = :topic"), {"topic": "x" * 100_000})

    with pytest.raises(DatabaseUnavailable, match="disk of the database is full"):
        fill()


def test_readers_do_not_wait_for_a_writer(db: Database) -> None:
    with db.write() as writing:
        writing.execute(text("UPDATE rooms SET name = 'changed'"))
        results: list[object] = []

        def read() -> None:
            with db.read() as reading:
                results.append(reading.execute(text("SELECT name FROM rooms")).scalar())

        thread = threading.Thread(target=read)
        thread.start()
        thread.join(4)  # less than the time that a lock would make it wait
        assert results == ["lobby"]


def test_an_exception_rolls_the_block_back(db: Database) -> None:
    def fail_halfway() -> None:
        with db.write() as transaction:
            transaction.execute(text("UPDATE rooms SET name = 'changed'"))
            raise KeyError

    with pytest.raises(KeyError):
        fail_halfway()
    with db.read() as transaction:
        assert transaction.execute(text("SELECT name FROM rooms")).scalar() == "lobby"


def test_a_callback_is_called_after_the_commit(db: Database) -> None:
    found: list[object] = []

    def read() -> None:
        with db.read() as reading:
            found.append(reading.execute(text("SELECT name FROM rooms")).scalar())

    with db.write() as transaction:
        after_commit(transaction, read)
        transaction.execute(text("UPDATE rooms SET name = 'changed'"))
        assert found == []
    assert found == ["changed"]


def test_a_callback_of_another_or_of_a_failed_transaction_is_not_called(db: Database) -> None:
    calls: list[str] = []

    def fail_to_commit() -> None:
        with db.write() as transaction:
            after_commit(transaction, lambda: calls.append("failed"))
            transaction.execute(text("PRAGMA defer_foreign_keys = ON"))
            transaction.execute(text("INSERT INTO memberships VALUES ('lobby', 'nobody', 'member', 0, FALSE)"))

    with pytest.raises(IntegrityError):
        fail_to_commit()
    with db.write():
        pass
    assert calls == []


def test_a_missing_database_raises_database_unavailable(tmp_path: Path) -> None:
    db = Database(create_engine(f"sqlite:///{tmp_path / 'missing' / 'cloudchat.db'}"))
    with pytest.raises(DatabaseUnavailable), db.read() as transaction:
        transaction.execute(text("SELECT 1"))


def test_foreign_keys_are_enforced(db: Database) -> None:
    with pytest.raises(IntegrityError), db.write() as transaction:
        transaction.execute(text("INSERT INTO memberships VALUES ('lobby', 'nobody', 'member', 0, FALSE)"))
