"""Before a new version starts: keep a copy of the SQLite database. When it fails: put the copy back.

Called as the server's own user, before each start until one is ready, by what config/install.sh adds to the unit. With
PostgreSQL there is nothing here to copy: the backup made before is what there is.
"""

import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

DATABASE = Path("/var/lib/cloudchat/cloudchat.db")
COPY = DATABASE.with_name("before-upgrade.db")
UNSETTLED = Path("/opt/cloudchat/unsettled")
"""Goes, with the copy, as soon as a start is ready."""


def take() -> None:
    """Once: a version that fails is started again and again, and the database is then what it made of it."""
    if not DATABASE.exists() or COPY.exists() or not UNSETTLED.exists():
        return
    unfinished = COPY.with_suffix(".part")
    unfinished.unlink(missing_ok=True)
    with closing(sqlite3.connect(DATABASE)) as source, closing(sqlite3.connect(unfinished)) as target:
        source.backup(target)
    os.rename(unfinished, COPY)


def restore() -> None:
    """No client was served since the copy was taken, so nothing that anybody wrote is lost."""
    if not COPY.exists():
        return
    for remains in ("-wal", "-shm"):  # of the other database
        Path(f"{DATABASE}{remains}").unlink(missing_ok=True)
    os.rename(COPY, DATABASE)


{"take": take, "restore": restore}[sys.argv[1]]()
