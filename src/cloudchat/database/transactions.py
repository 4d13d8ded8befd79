"""Units of work: every use of the database is one of these two blocks."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

Transaction = Session
"""What a block gives. Services pass it on to their repositories, and call nothing on it themselves."""


class DatabaseUnavailable(Exception):
    """The database did not answer, or stayed locked for longer than its timeout. The same call may pass later."""


class Database:
    """Opens transactions on one engine. Blocking: for threads, never for the event loop."""

    def __init__(self, engine: Engine) -> None:
        self._reading = engine
        self._writing = engine.execution_options(writes=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that only reads. Raises DatabaseUnavailable."""
        with self._transaction(self._reading) as db:
            yield db

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that writes; commits at the block's end, rolls back when it raises.

        On SQLite it holds the only write lock, so two of them never overlap. On PostgreSQL they do: whatever
        races must be decided by a constraint or by a conditional UPDATE. Raises DatabaseUnavailable.
        """
        with self._transaction(self._writing) as db:
            yield db

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Session]:
        try:
            with Session(engine, expire_on_commit=False) as db, db.begin():
                yield db
        except (OperationalError, InterfaceError, InternalError, PoolTimeout) as error:
            # InternalError: PostgreSQL can only be read now, as a replica that has not taken over yet.
            raise DatabaseUnavailable("the database does not answer") from error

    def close(self) -> None:
        """Give back every connection."""
        self._reading.dispose()
