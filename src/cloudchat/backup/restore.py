"""Restore the state of an installation from a backup.

Everything that can fail is done before the existing state is touched. The existing state is not deleted: files and
directories are moved aside under another name, and the state outside of the state directory is saved first
(`installation`).
"""

from pathlib import Path

import msgspec
from msgspec import Struct

from cloudchat.backup import UNFINISHED
from cloudchat.backup.archive import Archive
from cloudchat.backup.backup_files import replace_file
from cloudchat.backup.installation import (
    Installation,
    find_external_state,
    replace_external_state,
    save_external_state,
    temporary_store,
)
from cloudchat.backup.manifest import BadBackup
from cloudchat.backup.replaced_database import ReplacedDatabase, read_replaced_database
from cloudchat.backup.staging import StagedPath, check_backup, fill_store, stage_keys, stage_sqlite
from cloudchat.database.urls import sqlite_file


class StateOccupied(Exception):
    """The restore would replace existing state. The message lists it in one line for the operator."""


class RestoreResult(Struct, frozen=True):
    """The number of restored rooms, and the paths that hold the state from before."""

    rooms: int
    aside: list[Path]


class Restore:
    """One restore. No server may run, and the caller must hold the lock of the state directory.

    `stamp` is part of the names of moved and saved files. With `keep_store`, only database and keys are restored: the
    messages since the backup are still in the logs of the store, and the servers archive them.
    """

    def __init__(
        self, archive: Archive, installation: Installation, now: float, stamp: str, *, keep_store: bool = False
    ) -> None:
        self._archive, self._installation = archive, installation
        self._now, self._stamp = now, stamp
        database = sqlite_file(installation.database_url)
        self._database = StagedPath(database, ("-wal", "-shm")) if database else None
        self._keys = StagedPath(installation.folder / "keys")
        self._keep_store = keep_store
        self._store = None if installation.store_url or keep_store else StagedPath(installation.folder / "store")
        self._staged = [staged for staged in (self._database, self._keys, self._store) if staged]

    def run(self, *, replace: bool) -> RestoreResult:
        """Restore the state. Existing state is replaced only if `replace` is true.

        Raises StateOccupied, BadBackup, BrokerUnavailable, StoreStartError, CopyFailed, MigrationError,
        DatabaseUrlError, DatabaseUnavailable, OSError.
        """
        if self._archive.manifest.database == "postgresql" and not self._installation.has_postgres:
            raise BadBackup("it contains a PostgreSQL database: set CLOUDCHAT_DATABASE_URL to the URL of one")
        occupied = [staged for staged in self._staged if staged.occupied]
        external = find_external_state(self._installation, keep_store=self._keep_store)
        if (occupied or external) and not replace:
            raise StateOccupied(", ".join([*(str(staged.path) for staged in occupied), *external]))

        replaced = self._replaced_database()
        rooms = self._stage(replaced)
        aside = [staged.aside(self._stamp) for staged in occupied]
        if external:
            aside.append(save_external_state(self._installation, self._stamp, self._now))

        # From here on the state is incomplete until the end. A failure leaves the marker, and no server starts.
        # It contains what the next attempt may not find in the database any more.
        replace_file(self._marker, msgspec.json.encode(replaced))
        rooms += replace_external_state(
            self._archive, self._installation, self._now, replaced, keep_store=self._keep_store
        )
        for staged in self._staged:
            staged.switch(self._stamp)
        self._marker.unlink()
        return RestoreResult(rooms, aside)

    @property
    def _marker(self) -> Path:
        return self._installation.folder / UNFINISHED

    def _replaced_database(self) -> ReplacedDatabase:
        is_there = self._installation.has_postgres or (self._database is not None and self._database.occupied)
        return read_replaced_database(self._installation.database_url if is_there else None, self._marker)

    def _stage(self, replaced: ReplacedDatabase) -> int:
        """Check the backup, and prepare its files beside the existing ones; return the number of rooms in the files."""
        for staged in self._staged:
            staged.remove_new()
        try:
            check_backup(self._archive)
            stage_keys(self._archive, self._keys.new)
            if self._database:
                stage_sqlite(self._archive, self._database.new, self._now, replaced)
            if not self._store:
                return 0
            with temporary_store(self._store.new) as url:
                return fill_store(self._archive, url)
        except BaseException:
            for staged in self._staged:
                staged.remove_new()
            raise
