"""Open the SQL database: one engine per process."""

from typing import Any

from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy import create_engine as create_sqlalchemy_engine

from cloudchat.database.urls import SQLITE, DatabaseUrlError, parse_url
from cloudchat.process.blocking_calls import MAX_THREADS

BUSY_TIMEOUT_SECONDS = 5.0
"""The time that SQLite waits for a lock, and that a thread waits for a free connection."""
CONNECT_TIMEOUT_SECONDS = 4
SQLITE_CACHE_KIB = 16_000
"""Of the database's pages, in each connection. A batch of the archive changes 10 MB of pages, most of them in indexes.
A smaller cache writes them to the log several times in one transaction.
"""
SQLITE_LOG_PAGES = 8_000
"""After so many pages, of 4 KiB, SQLite copies its write-ahead log into the database. A page that changed often until
then is copied once. With SQLite's defaults for both, an archived message takes 15 % more CPU.
"""


def create_engine(url: str, *, serving: bool = False) -> Engine:
    """Return an engine for SQLite (the embedded default) or for PostgreSQL through psycopg.

    With `serving`, clients wait for each result, so a query fails when PostgreSQL does not answer in time. Copies and
    migrations have no such limit. Raises DatabaseUrlError.
    """
    parsed = parse_url(url)
    return _sqlite_engine(parsed) if parsed.get_backend_name() == SQLITE else _postgres_engine(parsed, serving)


def _sqlite_engine(url: URL) -> Engine:
    engine = create_sqlalchemy_engine(
        url,
        # A connection for each thread: FastAPI's 40, and those of process/blocking_calls.py.
        pool_size=8,
        max_overflow=40 + MAX_THREADS - 8,
        pool_timeout=BUSY_TIMEOUT_SECONDS,
        pool_use_lifo=True,  # the page cache of the last connection is the newest one, and only a few have one
        connect_args={"timeout": BUSY_TIMEOUT_SECONDS},
        hide_parameters=True,  # the text of an error is logged, and must not contain a row's values
    )
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _postgres_engine(url: URL, serving: bool) -> Engine:
    try:
        engine = create_sqlalchemy_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_size=8,
            max_overflow=8,
            pool_timeout=BUSY_TIMEOUT_SECONDS,
            pool_pre_ping=True,
            connect_args={"connect_timeout": CONNECT_TIMEOUT_SECONDS},
            hide_parameters=True,
        )
    except ModuleNotFoundError as error:
        raise DatabaseUrlError(
            "PostgreSQL needs its driver; in cloudchat's checkout: pip install '.[postgres]'"
        ) from error
    if serving:
        event.listen(engine, "do_connect", _connect_with_timeout)
    return engine


def _connect_with_timeout(
    _dialect: object, _record: object, arguments: tuple[Any, ...], options: dict[str, Any]
) -> Any:
    from cloudchat.database.bounded_connection import BoundedConnection  # its driver is an extra

    return BoundedConnection.connect(*arguments, **options)


def _configure_sqlite(connection: Any, _record: object) -> None:
    # Python's driver would begin transactions itself, late and always deferred; _begin_sqlite does it instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT_SECONDS * 1000)}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute(f"PRAGMA wal_autocheckpoint = {SQLITE_LOG_PAGES}")
    cursor.execute(f"PRAGMA cache_size = -{SQLITE_CACHE_KIB}")
    cursor.execute("PRAGMA synchronous = FULL")  # a registered account survives a power failure
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA secure_delete = ON")  # a deleted text must not stay in free pages of the file
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that reads and then writes fails immediately if another one wrote in between
    # (SQLITE_BUSY, regardless of the timeout). One that takes the write lock when it begins waits for the lock.
    options = connection.get_execution_options()
    if options.get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes", False) else "BEGIN")
