"""A state put back from a backup.

Whatever can fail is done before anything that is there is touched. What was there is not deleted: files and folders are
moved aside under another name; see outside.py for the rest.
"""

from dataclasses import dataclass
from pathlib import Path

from cloudchat.backup import UNFINISHED
from cloudchat.backup.archive import Archive
from cloudchat.backup.external_state import State, replace_outside, save_outside, taken_outside
from cloudchat.backup.manifest import BadBackup
from cloudchat.backup.staged_path import StagedPath
from cloudchat.backup.temporary_store import temporary_store
from cloudchat.backup.unpack import check_backup, fill_store, prepare_keys, prepare_sqlite
from cloudchat.database.urls import sqlite_file


class StateOccupied(Exception):
    """There is something that the restore would replace. The message is one line for the operator."""


@dataclass(frozen=True, slots=True)
class Restored:
    """How many rooms came, and where what was there before is now."""

    rooms: int
    aside: list[Path]


class Restore:
    """One restore. No server may run, and the state must be locked."""

    def __init__(self, archive: Archive, state: State, now: float, stamp: str) -> None:
        self._archive, self._state, self._now, self._stamp = archive, state, now, stamp
        database = sqlite_file(state.database_url)
        self._database = StagedPath(database, ("-wal", "-shm")) if database else None
        self._keys = StagedPath(state.folder / "keys")
        self._store = None if state.store_url else StagedPath(state.folder / "store")
        self._places = [place for place in (self._database, self._keys, self._store) if place]

    def run(self, *, replace: bool) -> Restored:
        """Put the state back; without `replace` only where nothing is.

        Raises StateOccupied, BadBackup, BrokerUnavailable, StoreStartError, CopyFailed, MigrationError,
        DatabaseUrlError, DatabaseUnavailable, OSError.
        """
        state, manifest = self._state, self._archive.manifest
        if manifest.database == "postgresql" and not state.has_postgres:
            raise BadBackup("it has a PostgreSQL database: set CLOUDCHAT_DATABASE_URL to one")
        inside = [place for place in self._places if place.taken]
        outside = taken_outside(state)
        if (inside or outside) and not replace:
            raise StateOccupied(", ".join([*(str(place.path) for place in inside), *outside]))
        rooms = self._make_ready()
        aside = [place.aside(self._stamp) for place in inside]
        if outside:
            aside.append(save_outside(state, self._stamp, self._now))
        unfinished = state.folder / UNFINISHED
        unfinished.touch(0o600)
        rooms += replace_outside(self._archive, state, self._now)
        for place in self._places:
            place.switch(self._stamp)
        unfinished.unlink()
        return Restored(rooms, aside)

    def _make_ready(self) -> int:
        """Everything that goes into files; returns the number of rooms that did."""
        for place in self._places:
            place.clear_new()
        try:
            check_backup(self._archive)
            prepare_keys(self._archive, self._keys.new)
            if self._database:
                prepare_sqlite(self._archive, self._database.new, self._now)
            if not self._store:
                return 0
            with temporary_store(self._store.new) as url:
                return fill_store(self._archive, url)
        except BaseException:
            for place in self._places:
                place.clear_new()
            raise
