"""Save the SQLite database before a new version starts, and restore it if that version does not become ready.

config/install.sh adds a call of this script to the unit. It runs as the server's user before each start, until a start
becomes ready. A PostgreSQL database is not copied here: for it, only the backup that install.sh made exists.
"""

import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

DATABASE = Path("/var/lib/cloudchat/cloudchat.db")
COPY = DATABASE.with_name("before-upgrade.db")
UPGRADE_MARKER = Path("/opt/cloudchat/unsettled")
"""Exists during an upgrade. The unit removes it, and the copy, as soon as a start is ready."""


def save() -> None:
    """Copy the database, once per upgrade.

    systemd starts a failing version repeatedly. At the second start the database may already be changed.
    """
    if not DATABASE.exists() or COPY.exists() or not UPGRADE_MARKER.exists():
        return
    partial_copy = COPY.with_suffix(".part")
    partial_copy.unlink(missing_ok=True)
    with closing(sqlite3.connect(DATABASE)) as source, closing(sqlite3.connect(partial_copy)) as target:
        source.backup(target)
    os.rename(partial_copy, COPY)


def restore() -> None:
    """Replace the database with the copy. No client was served since the copy was made, so no write is lost."""
    if not COPY.exists():
        return
    for suffix in ("-wal", "-shm"):  # they belong to the replaced database
        Path(f"{DATABASE}{suffix}").unlink(missing_ok=True)
    os.rename(COPY, DATABASE)


{"save": save, "restore": restore}[sys.argv[1]]()
