"""How the SQL database is opened."""

from typing import Any

from sqlalchemy import Connection, Engine, event, make_url
from sqlalchemy import create_engine as open_engine
from sqlalchemy.exc import ArgumentError

BUSY_SECONDS = 5.0
CONNECT_SECONDS = 4


class DatabaseUrlError(Exception):
    """The database URL can't be used; the message names the mend and never contains the URL's password."""


def create_engine(url: str, *, serving: bool = False) -> Engine:
    """An engine for SQLite (the embedded default) or PostgreSQL through psycopg.

    `serving`: somebody waits for each answer, so a PostgreSQL that gives none in time is given up. What copies or
    migrates takes as long as it takes.

    Raises DatabaseUrlError.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseUrlError(
            "CLOUDCHAT_DATABASE_URL is no database URL; write it like postgresql://user@host/name"
        ) from None
    if parsed.get_backend_name() == "sqlite":
        engine = open_engine(
            parsed,
            # A chat server's thread pool has 40 threads: more connections than that are never asked for.
            pool_size=8,
            max_overflow=32,
            pool_timeout=BUSY_SECONDS,
            connect_args={"timeout": BUSY_SECONDS},
            hide_parameters=True,  # an error's text goes to the log; a row's values must not
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if parsed.get_backend_name() != "postgresql":
        raise DatabaseUrlError("CLOUDCHAT_DATABASE_URL must begin with sqlite:/// or postgresql://")
    try:
        engine = open_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_size=8,
            max_overflow=8,
            pool_timeout=BUSY_SECONDS,
            pool_pre_ping=True,
            connect_args={"connect_timeout": CONNECT_SECONDS},
            hide_parameters=True,
        )
    except ModuleNotFoundError as error:
        raise DatabaseUrlError(
            "PostgreSQL needs its driver; in cloudchat's checkout: pip install '.[postgres]'"
        ) from error
    if serving:
        event.listen(engine, "do_connect", _connect_bounded)
    return engine


def _connect_bounded(_dialect: object, _record: object, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
    from cloudchat.database.bounded_connection import BoundedConnection  # its driver is an extra

    return BoundedConnection.connect(*arguments, **options)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # Python's driver would begin transactions by itself, late and always deferred; _begin_sqlite does it instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")  # a registered account survives a power cut
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that reads and then writes fails at once when another wrote in between (SQLITE_BUSY,
    # whatever the timeout); one that takes the write lock at its beginning waits for its turn.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
