"""Unpack a backup beside the state that it will replace, so that the replacement itself is a few renames."""

import gzip
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from msgspec import Struct

from cloudchat.backup.archive import Archive
from cloudchat.backup.backup_files import sync_folder
from cloudchat.backup.manifest import DATABASES, KEYS, ROOMS, BadBackup
from cloudchat.backup.replaced_database import ReplacedDatabase, complete_restored_database
from cloudchat.backup.room_import import import_rooms
from cloudchat.backup.room_records import BadRecords, Record, read_records, validate_records
from cloudchat.database.copies.transfer import check_sqlite
from cloudchat.database.migrations import is_known, upgrade
from cloudchat.database.urls import sqlite_url

_NEW = ".restoring"
_CHUNK_BYTES = 1 << 20


class StagedPath(Struct, frozen=True):
    """A file or directory of the state that a restore replaces. `companions`: suffixes of files that belong to it."""

    path: Path
    companions: tuple[str, ...] = ()

    @property
    def new(self) -> Path:
        """The path where the replacement is prepared."""
        return self.path.with_name(self.path.name + _NEW)

    @property
    def occupied(self) -> bool:
        """Whether there is a file, or a directory that is not empty."""
        return self.path.is_file() or (self.path.is_dir() and any(self.path.iterdir()))

    def remove_new(self) -> None:
        """Remove what an interrupted restore prepared."""
        for suffix in ("", ".lock", *self.companions):
            path = self.new.with_name(self.new.name + suffix)
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def aside(self, stamp: str) -> Path:
        """Return the path to which `switch` moves the old content."""
        return self.path.with_name(f"{self.path.name}.before-{stamp}")

    def switch(self, stamp: str) -> None:
        """Move the old content aside, and the prepared replacement into place."""
        if self.path.is_dir() and not self.occupied:
            self.path.rmdir()
        for suffix in ("", *self.companions):
            old = self.path.with_name(self.path.name + suffix)
            if old.exists():
                old.rename(self.path.with_name(self.aside(stamp).name + suffix))
        if self.new.exists():
            self.new.rename(self.path)
        self.remove_new()
        sync_folder(self.path.parent)


def check_backup(archive: Archive) -> None:
    """Check that this version can restore the backup: it knows the schema, and all rooms are complete.

    Raises BadBackup.
    """
    schema = archive.manifest.schema
    if not is_known(schema):
        raise BadBackup(f"its database has schema {schema} of a newer cloudchat: upgrade this one first")
    for _ in _read_rooms(archive):
        pass


def unpack_sqlite(archive: Archive, target: Path) -> None:
    """Write the database to a file, and check the file. Raises CopyFailed, OSError."""
    with _create_file(target, 0o600) as file:
        shutil.copyfileobj(archive.open(DATABASES["sqlite"]), file, _CHUNK_BYTES)
    check_sqlite(target)


def stage_sqlite(archive: Archive, target: Path, now: float, replaced: ReplacedDatabase) -> None:
    """Write the database to a file, upgrade it to this version's schema, and complete it."""
    unpack_sqlite(archive, target)
    url = sqlite_url(target)
    upgrade(url)
    complete_restored_database(url, now, made_at=archive.manifest.created_at, replaced=replaced)
    with target.open("rb") as file:
        os.fsync(file.fileno())


def stage_keys(archive: Archive, target: Path) -> None:
    """Write the key directory. Raises OSError."""
    target.mkdir(mode=0o700)
    for member in archive.keys:
        path = target / member.name.removeprefix(KEYS)
        with _create_file(path, 0o400) as file:
            shutil.copyfileobj(archive.open(member.name), file)
        os.utime(path, ns=(member.modified_ns, member.modified_ns))
    sync_folder(target)


def fill_store(archive: Archive, url: str) -> int:
    """Write the rooms into a store, each in a new epoch; return how many. Raises BadBackup, BrokerUnavailable."""
    return import_rooms(url, _read_rooms(archive))


def _read_rooms(archive: Archive) -> Iterator[Record]:
    """Yield the records of the rooms. Raises BadBackup if they are not complete rooms."""
    try:
        with gzip.open(archive.open(ROOMS), "rb") as lines:
            yield from validate_records(read_records(cast(BinaryIO, lines)))
    except (BadRecords, EOFError, gzip.BadGzipFile) as error:
        raise BadBackup(str(error)) from error


@contextmanager
def _create_file(path: Path, mode: int) -> Iterator[BinaryIO]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
