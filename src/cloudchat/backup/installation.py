"""The location of an installation's state, and how a restore replaces the part outside of the state directory.

That part is a store with a URL, a PostgreSQL database, or both. It cannot be moved aside as files can. Therefore it is
saved before it is replaced: as a backup, which `restore` accepts like any other.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from cloudchat.backup.archive import Archive
from cloudchat.backup.backup_files import atomic_file
from cloudchat.backup.create import create_backup, write_rooms
from cloudchat.backup.manifest import DATABASES, BadBackup
from cloudchat.backup.replaced_database import ReplacedDatabase, complete_restored_database
from cloudchat.backup.room_export import has_rooms, has_subscribers
from cloudchat.backup.room_import import remove_rooms
from cloudchat.backup.staging import fill_store, unpack_sqlite
from cloudchat.broker.embedded.binary import find_server_binary
from cloudchat.broker.embedded.server import EmbeddedServer
from cloudchat.database.copies.postgres_copy import drop_tables, restore_postgres
from cloudchat.database.copies.transfer import move_rows
from cloudchat.database.migrations import is_known, revision_of, upgrade
from cloudchat.database.urls import kind_of, sqlite_url


@contextmanager
def temporary_store(folder: Path) -> Iterator[str]:
    """Run the embedded store of a directory during a block, and yield its URL. No server may use the directory.

    Raises StoreStartError, OSError.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    store = EmbeddedServer(folder, find_server_binary())
    store.start()
    store.wait_until_ready()
    try:
        yield store.url
    finally:
        store.stop()


class Installation(Struct, frozen=True):
    """The locations of everything that a backup contains. `store_url` is None for the embedded store."""

    folder: Path
    database_url: str
    store_url: str | None

    @property
    def has_postgres(self) -> bool:
        """Whether the database is outside of the directory."""
        return kind_of(self.database_url) == "postgresql"

    @contextmanager
    def open_store(self) -> Iterator[str]:
        """Yield the URL of the store. The embedded store is started for the block, so no server may run."""
        if self.store_url is not None:
            yield self.store_url
        else:
            with temporary_store(self.folder / "store") as url:
                yield url


def find_external_state(installation: Installation, *, keep_store: bool) -> list[str]:
    """Describe what a restore would replace outside of the directory. Raises BadBackup if it must not be replaced."""
    found = []
    if installation.store_url is not None:
        if has_subscribers(installation.store_url):
            raise BadBackup(
                "a server uses the store, perhaps from another machine: stop every server that uses it, then try again"
            )
        if not keep_store and has_rooms(installation.store_url):
            found.append("rooms in the store")
    if installation.has_postgres and (revision := revision_of(installation.database_url)) is not None:
        if not is_known(revision):
            raise BadBackup("the existing database was written by a newer cloudchat: upgrade this one first")
        found.append("tables in the database")
    return found


def save_external_state(installation: Installation, stamp: str, now: float) -> Path:
    """Save this part together with the rest of the state, and return the file. Raises what `create_backup` raises."""
    if revision_of(installation.database_url) is None:  # rooms without a database are not a state to restore
        path = installation.folder / f"rooms.before-{stamp}.jsonl.gz"
        with installation.open_store() as store_url, atomic_file(path) as (file, _):
            write_rooms(store_url, file)
        return path
    path = installation.folder / f"before-restore-{stamp}.tar"
    with installation.open_store() as store_url:
        create_backup(path, store_url, installation.database_url, installation.folder / "keys", now)
    return path


def replace_external_state(
    archive: Archive, installation: Installation, now: float, replaced: ReplacedDatabase, *, keep_store: bool
) -> int:
    """Replace this part with the content of the archive; return the number of rooms written to the store."""
    rooms = 0
    if installation.has_postgres:
        if archive.manifest.database == "sqlite":
            _fill_postgres_from_sqlite(archive, installation)
        else:
            drop_tables(installation.database_url)
            restore_postgres(installation.database_url, archive.open(DATABASES["postgresql"]))
            upgrade(installation.database_url)
        complete_restored_database(
            installation.database_url, now, made_at=archive.manifest.created_at, replaced=replaced
        )
    if installation.store_url is not None and not keep_store:
        remove_rooms(installation.store_url)
        rooms = fill_store(archive, installation.store_url)
    return rooms


def _fill_postgres_from_sqlite(archive: Archive, installation: Installation) -> None:
    with tempfile.TemporaryDirectory(dir=installation.folder, prefix=".restoring-") as folder:
        unpacked = Path(folder) / "database"
        unpack_sqlite(archive, unpacked)
        upgrade(sqlite_url(unpacked))
        drop_tables(installation.database_url)
        upgrade(installation.database_url)
        move_rows(sqlite_url(unpacked), installation.database_url)
