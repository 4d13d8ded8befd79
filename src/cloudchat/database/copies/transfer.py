"""Copy a database for a backup, and move its rows into another database.

`postgres_copy.py` does the same with PostgreSQL's own dump format.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import insert, select

from cloudchat.database.engine import BUSY_TIMEOUT_SECONDS, create_engine
from cloudchat.database.tables.archive import all_tables

_ROWS_PER_INSERT = 1000


class CopyFailed(Exception):
    """The copy could not be made or restored. The message is one line for the operator."""


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a snapshot of an SQLite database while others write to it, without anything that was deleted.

    SQLite's online backup copies in one read transaction, which in WAL mode does not block writers. `target` must not
    exist; it is made with the mode 0600. While this runs, there is another copy beside it. Raises CopyFailed.
    """
    pages = target.with_name(f"{target.name}-pages")
    for path in (pages, target):
        path.touch(0o600, exist_ok=False)
    try:
        with closing(_open(source)) as old, closing(_open(pages)) as copy:
            old.backup(copy)
            _write_without_deleted(copy, target)
    except sqlite3.Error as error:
        raise CopyFailed(f"the database {source} cannot be read ({error})") from error
    finally:
        pages.unlink()


def check_sqlite(path: Path) -> None:
    """Read the whole database, and check its consistency. Raises CopyFailed."""
    try:
        with closing(_open(path)) as database:
            result = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise CopyFailed(f"the database {path} cannot be read ({error})") from error
    if result != "ok":
        raise CopyFailed(f"the database {path} is damaged ({result})")


def move_rows(source: str, target: str) -> None:
    """Copy every row from one database URL to another, of any kind, in one transaction.

    This is how an installation grows from SQLite to PostgreSQL. Both have the current schema. The rows of the target
    are replaced.
    """
    old, new = create_engine(source), create_engine(target)
    tables = all_tables.sorted_tables  # a table comes after those that it refers to
    try:
        with old.connect() as reading, new.execution_options(writes=True).begin() as writing:
            for table in reversed(tables):
                writing.execute(table.delete())
            rows_in_parts = reading.execution_options(yield_per=_ROWS_PER_INSERT)
            for table in tables:
                for rows in rows_in_parts.execute(select(table)).mappings().partitions():
                    writing.execute(insert(table), [dict(row) for row in rows])
    finally:
        old.dispose()
        new.dispose()


def _write_without_deleted(copy: sqlite3.Connection, target: Path) -> None:
    """Write the live rows of a copy, which no other connection uses, into the empty file `target`.

    Pages of the search index keep words of deleted texts until they are merged, and other pages keep pieces of rows
    that were moved to another page, also with `secure_delete`.
    """
    copy.isolation_level = None
    copy.execute("PRAGMA journal_mode = OFF")
    copy.execute("PRAGMA synchronous = OFF")
    if copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'archived_search'").fetchone():
        copy.execute("INSERT INTO archived_search (archived_search) VALUES ('optimize')")
    copy.execute("VACUUM INTO ?", [str(target)])


def _open(path: Path) -> sqlite3.Connection:
    # rw: do not create a database. For root, SQLite gives the files beside it to the owner of the database.
    return sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, timeout=BUSY_TIMEOUT_SECONDS)
