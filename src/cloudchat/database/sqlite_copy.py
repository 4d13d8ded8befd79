"""A copy of an SQLite database, as it was at one moment, made while others write to it."""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from cloudchat.database.copy_failed import CopyFailed
from cloudchat.database.engine import BUSY_SECONDS


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy in one step, by SQLite's online backup: a read transaction, which in WAL mode keeps nobody from writing.

    `target` must not be there; nobody else may read it (0600). Raises CopyFailed.
    """
    target.touch(0o600, exist_ok=False)
    try:
        with closing(_open(source)) as old, closing(_open(target)) as new:
            old.backup(new)
    except sqlite3.Error as error:
        raise CopyFailed(f"the database {source} can't be read ({error})") from error


def check_sqlite(path: Path) -> None:
    """Read all of it, and see that its parts fit together. Raises CopyFailed."""
    try:
        with closing(_open(path)) as database:
            found = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise CopyFailed(f"the database {path} can't be read ({error})") from error
    if found != "ok":
        raise CopyFailed(f"the database {path} is damaged ({found})")


def _open(path: Path) -> sqlite3.Connection:
    # rw: opening must not make a database. As root, SQLite gives the files beside it to the database's owner.
    return sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, timeout=BUSY_SECONDS)
