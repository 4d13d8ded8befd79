"""What is in a backup, unpacked and made ready to be used."""

import gzip
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from cloudchat.backup.archive import Archive
from cloudchat.backup.atomic_file import sync_folder
from cloudchat.backup.manifest import DATABASES, KEYS, ROOMS, BadBackup
from cloudchat.backup.room_import import checked, import_rooms
from cloudchat.backup.room_records import BadRecords, Record, read_records
from cloudchat.database.migrations import is_known, upgrade
from cloudchat.database.post_restore import invalidate
from cloudchat.database.transfer import check_sqlite
from cloudchat.database.urls import sqlite_url


def check_backup(archive: Archive) -> None:
    """Whether this version can restore it: its schema is known, its rooms are whole. Raises BadBackup."""
    schema = archive.manifest.schema
    if not is_known(schema):
        raise BadBackup(f"its database has schema {schema}, of a newer cloudchat: upgrade this one first")
    for _ in checked_rooms(archive):
        pass


def checked_rooms(archive: Archive) -> Iterator[Record]:
    """The rooms' records. Raises BadBackup when they are no whole rooms."""
    try:
        with gzip.open(archive.open(ROOMS), "rb") as lines:
            yield from checked(read_records(cast(BinaryIO, lines)))
    except (BadRecords, EOFError, gzip.BadGzipFile) as error:
        raise BadBackup(str(error)) from error


def unpack_sqlite(archive: Archive, target: Path) -> None:
    """The database as a file, read through. Raises CopyFailed, OSError."""
    with _new_file(target, 0o600) as file:
        shutil.copyfileobj(archive.open(DATABASES["sqlite"]), file, 1 << 20)
    check_sqlite(target)


def prepare_sqlite(archive: Archive, target: Path, now: float) -> None:
    """The same, brought to this version's schema, and ready to be used."""
    unpack_sqlite(archive, target)
    url = sqlite_url(target)
    upgrade(url)
    invalidate(url, now, made_at=archive.manifest.created_at)
    _sync(target)


def prepare_keys(archive: Archive, target: Path) -> None:
    """The key folder. Raises OSError."""
    target.mkdir(mode=0o700)
    for member in archive.keys:
        path = target / member.name.removeprefix(KEYS)
        with _new_file(path, 0o400) as file:
            shutil.copyfileobj(archive.open(member.name), file)
        os.utime(path, ns=(member.modified_ns, member.modified_ns))
    sync_folder(target)


def fill_store(archive: Archive, url: str) -> int:
    """The rooms, each in a new epoch; returns how many. Raises BrokerUnavailable."""
    return import_rooms(url, checked_rooms(archive))


@contextmanager
def _new_file(path: Path, mode: int) -> Iterator[BinaryIO]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
