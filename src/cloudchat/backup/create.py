"""Create a backup: the rooms, then the database, then the keys, in one file, while servers keep running.

The order makes the parts consistent: each part contains everything that the parts before it refer to. Every author of a
message is in the database, and a key can decrypt every second factor in the database.
"""

import gzip
from pathlib import Path
from typing import BinaryIO, cast

from cloudchat import __version__
from cloudchat.auth.keys.key_folder import key_files, lock_key_folder
from cloudchat.backup.archive import ArchiveWriter
from cloudchat.backup.backup_files import atomic_file
from cloudchat.backup.manifest import DATABASES, FORMAT, KEYS, ROOMS, BadBackup, Manifest
from cloudchat.backup.room_export import export_rooms
from cloudchat.backup.room_records import write_records
from cloudchat.core.timestamps import rfc3339
from cloudchat.database.copies.postgres_copy import dump_postgres
from cloudchat.database.copies.transfer import copy_sqlite
from cloudchat.database.migrations import revision_of
from cloudchat.database.urls import kind_of, sqlite_file, sqlite_url

_GZIP_LEVEL = 3  # twice as fast as gzip's default 6 and a tenth larger; the server needs the processor too


def create_backup(target: Path, store_url: str, database_url: str, keys: Path, now: float) -> Manifest:
    """Write the file `target`, and return its manifest. `keys` is the directory of the signing keys.

    Raises BadBackup, BrokerUnavailable, CopyFailed, MigrationError, DatabaseUrlError, OSError.
    """
    database_kind = kind_of(database_url)
    if revision_of(database_url) is None:
        raise BadBackup("there is nothing to back up: no server has created its database here yet")
    with atomic_file(target) as (file, scratch):
        archive = ArchiveWriter(file, now)
        with archive.member(ROOMS) as member:
            rooms, events = write_rooms(store_url, member)
        schema = _write_database(archive, database_kind, database_url, scratch)
        _write_keys(archive, keys)
        manifest = Manifest(
            format=FORMAT,
            cloudchat=__version__,
            created_at=rfc3339(now),
            database=database_kind,
            schema=schema,
            rooms=rooms,
            events=events,
            members=list(archive.members),
        )
        archive.finish(manifest)
    return manifest


def write_rooms(store_url: str, file: BinaryIO) -> tuple[int, int]:
    """Write all rooms of a store as gzipped records; return the number of rooms and of events."""
    with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=_GZIP_LEVEL, mtime=0) as lines:
        return write_records(export_rooms(store_url), cast(BinaryIO, lines))


def _write_database(archive: ArchiveWriter, kind: str, url: str, scratch: Path) -> str:
    """Write the database, and return the schema revision of the copy."""
    source = sqlite_file(url)
    if source is None:
        with archive.member(DATABASES[kind]) as member:
            dump_postgres(url, member)
        return revision_of(url) or ""
    copy_sqlite(source, scratch)
    archive.add(DATABASES[kind], scratch)
    return revision_of(sqlite_url(scratch)) or ""


def _write_keys(archive: ArchiveWriter, keys: Path) -> None:
    if not keys.is_dir():
        return
    with lock_key_folder(keys):
        secrets = sorted(path for path in keys.iterdir() if path.suffix == ".key")
        for path in [*key_files(keys), *secrets]:
            archive.add(f"{KEYS}{path.name}", path)
