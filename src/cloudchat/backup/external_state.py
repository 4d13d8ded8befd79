"""What an installation keeps outside of its state folder: a store, a PostgreSQL database, or both.

It can't be moved aside, so before it is replaced it is saved: as a backup, which `restore` takes like any other.
"""

import gzip
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from cloudchat.backup.archive import Archive
from cloudchat.backup.atomic_file import atomic_file
from cloudchat.backup.create import create_backup
from cloudchat.backup.manifest import DATABASES, BadBackup
from cloudchat.backup.room_export import export_rooms, holds_rooms, is_used_by_servers
from cloudchat.backup.room_import import remove_rooms
from cloudchat.backup.room_records import write_records
from cloudchat.backup.temporary_store import temporary_store
from cloudchat.backup.unpack import fill_store, unpack_sqlite
from cloudchat.database.migrations import is_known, revision_of, upgrade
from cloudchat.database.post_restore import invalidate
from cloudchat.database.postgres_copy import drop_tables, restore_postgres
from cloudchat.database.transfer import move_rows
from cloudchat.database.urls import kind_of, sqlite_url


@dataclass(frozen=True)
class State:
    """Where an installation keeps what a backup holds. `store_url`: of a store of one's own, else None."""

    folder: Path
    database_url: str
    store_url: str | None

    @property
    def has_postgres(self) -> bool:
        """Whether the database is outside of the folder."""
        return kind_of(self.database_url) == "postgresql"

    @contextmanager
    def store(self) -> Iterator[str]:
        """The URL of the store, which is started if it is the embedded one: no server may run."""
        if self.store_url is not None:
            yield self.store_url
        else:
            with temporary_store(self.folder / "store") as url:
                yield url


def taken_outside(state: State) -> list[str]:
    """What is there already. Raises BadBackup when it can't be replaced."""
    taken = []
    if state.store_url is not None:
        if is_used_by_servers(state.store_url):
            raise BadBackup("a server, maybe on another machine, uses the store: stop every one that shares it")
        if holds_rooms(state.store_url):
            taken.append("rooms in the store")
    if state.has_postgres and (revision := revision_of(state.database_url)) is not None:
        if not is_known(revision):
            raise BadBackup("the database that is there was written by a newer cloudchat: upgrade this one first")
        taken.append("tables in the database")
    return taken


def save_outside(state: State, stamp: str, now: float) -> Path:
    """Save it, with all that belongs to it; returns the file. Raises as `create_backup` does."""
    if revision_of(state.database_url) is not None:
        path = state.folder / f"before-restore-{stamp}.tar"
        with state.store() as store_url:
            create_backup(path, store_url, state.database_url, state.folder / "keys", now)
    else:  # rooms without a database: no state that could be restored
        path = state.folder / f"rooms.before-{stamp}.jsonl.gz"
        with state.store() as store_url, atomic_file(path) as (file, _), gzip.open(file, "wb") as lines:
            write_records(export_rooms(store_url), cast(BinaryIO, lines))
    return path


def replace_outside(archive: Archive, state: State, now: float) -> int:
    """Remove what is there, and put there what the archive has; returns the number of rooms."""
    rooms = 0
    if state.has_postgres:
        if archive.manifest.database == "sqlite":
            _fill_from_sqlite(archive, state)
        else:
            drop_tables(state.database_url)
            restore_postgres(state.database_url, archive.open(DATABASES["postgresql"]))
            upgrade(state.database_url)
        invalidate(state.database_url, now, made_at=archive.manifest.created_at)
    if state.store_url is not None:
        remove_rooms(state.store_url)
        rooms = fill_store(archive, state.store_url)
    return rooms


def _fill_from_sqlite(archive: Archive, state: State) -> None:
    with tempfile.TemporaryDirectory(dir=state.folder, prefix=".restoring-") as folder:
        unpacked = Path(folder) / "database"
        unpack_sqlite(archive, unpacked)
        upgrade(sqlite_url(unpacked))
        drop_tables(state.database_url)
        upgrade(state.database_url)
        move_rows(sqlite_url(unpacked), state.database_url)
