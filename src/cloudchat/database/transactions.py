"""Transactions: every use of the database is one `read` or one `write` block."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, Delete, Engine, Select, Update, text
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from cloudchat.database.engine import create_engine
from cloudchat.database.urls import SQLITE

Transaction = Connection
"""The value of a block. Services pass it to their repositories, and do not call its methods themselves."""

_AFTER_COMMIT = "after_commit"
_Record = TypeVar("_Record")


class DatabaseUnavailable(Exception):
    """The database did not answer, was locked for longer than the timeout, or its disk is full.

    The same call can succeed later. The message is the reason.
    """


class Database:
    """Opens transactions on one engine. Blocking: for threads, never for the event loop."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        """For `ReadThread`. Everything else uses the methods."""
        self._writing = engine.execution_options(writes=True)
        # A reading transaction of SQLite is a snapshot already.
        is_sqlite = engine.url.get_backend_name() == SQLITE
        self._snapshots = engine if is_sqlite else engine.execution_options(isolation_level="REPEATABLE READ")
        self.last_commit: object = None
        """Another object after each transaction that was committed here."""

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Open a transaction that only reads. Raises DatabaseUnavailable."""
        with self._transaction(self.engine) as db:
            yield db

    @contextmanager
    def snapshot(self) -> Iterator[Transaction]:
        """Open a transaction that only reads. All its statements see the same state. Raises DatabaseUnavailable."""
        with self._transaction(self._snapshots) as db:
            yield db

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Open a transaction that writes. It commits at the end of the block, and rolls back if the block raises.

        On SQLite it holds the only write lock, so two of them never overlap. On PostgreSQL they do: every race must be
        decided by a constraint or by a conditional UPDATE (`changed_rows`). Raises DatabaseUnavailable.
        """
        callbacks: list[Callable[[], None]] = []
        with self._transaction(self._writing) as db:
            db.execution_options(**{_AFTER_COMMIT: callbacks})
            yield db
        self.last_commit = object()
        for callback in callbacks:
            callback()

    def truncate_log(self) -> bool:
        """Move SQLite's write-ahead log into the database file, and empty it. Return whether it is empty.

        It is not if another transaction still reads from it. Raises DatabaseUnavailable.
        """
        with self.read() as db:
            # It would wait for readers with the write lock, so that all writers would wait, too.
            busy_timeout = db.execute(text("PRAGMA busy_timeout")).scalar_one()
            db.execute(text("PRAGMA busy_timeout = 0"))
            try:
                is_busy = db.execute(text("PRAGMA wal_checkpoint(TRUNCATE)")).one()[0]
            finally:
                db.execute(text(f"PRAGMA busy_timeout = {busy_timeout}"))
        return not is_busy

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Transaction]:
        with database_unavailable(), engine.begin() as db:
            yield db

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


@contextmanager
def database_unavailable() -> Iterator[None]:
    """Raise DatabaseUnavailable instead of the driver's errors that mean it."""
    try:
        yield
    except (OperationalError, InterfaceError, InternalError, PoolTimeout) as error:
        # InternalError: PostgreSQL is read-only now, as a replica that has not been promoted yet.
        raise DatabaseUnavailable(_reason(error)) from error


def _reason(error: SQLAlchemyError) -> str:
    cause = getattr(error, "orig", None)
    if getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
        return "the disk of the database is full"
    return "the database does not answer"


def after_commit(db: Transaction, callback: Callable[[], None]) -> None:
    """Call a function when the writing transaction has been committed, and never if it is rolled back."""
    db.get_execution_options()[_AFTER_COMMIT].append(callback)


def changed_rows(db: Transaction, statement: Update | Delete) -> int:
    """Execute the statement, and return how many rows it changed.

    A conditional UPDATE decides a race: the caller has won if it changed one row, and lost if it changed none.
    """
    return db.execute(statement).rowcount


def first_row(db: Transaction, record: Callable[..., _Record], query: Select[*tuple[Any, ...]]) -> _Record | None:
    """Return the first row of a query, such as `select(users)`, as a record, such as `User`; None without a row."""
    row = db.execute(query).first()
    return None if row is None else record(*row)


def database_time(url: str) -> float | None:
    """Return PostgreSQL's clock in seconds since 1970, or None for SQLite, which has no clock of its own.

    Raises DatabaseUnavailable, DatabaseUrlError.
    """
    engine = create_engine(url)
    if engine.url.get_backend_name() == SQLITE:
        return None
    db = Database(engine)
    try:
        with db.read() as transaction:
            return float(transaction.execute(text("SELECT EXTRACT(EPOCH FROM clock_timestamp())")).scalar_one())
    finally:
        db.close()
