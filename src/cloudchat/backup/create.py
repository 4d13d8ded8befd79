"""A backup: the rooms, then the database, then the keys, in one file.

In this order, so that what comes later knows everything that comes before: every author of a message is in the
database, every second factor in it can be decrypted by a key. Servers go on working meanwhile.
"""

import gzip
from pathlib import Path
from typing import BinaryIO, cast

from cloudchat import __version__
from cloudchat.auth.tokens.keys import key_files, locked
from cloudchat.backup.archive_writer import ArchiveWriter
from cloudchat.backup.atomic_file import atomic_file
from cloudchat.backup.manifest import DATABASES, FORMAT, KEYS, ROOMS, BadBackup, Manifest
from cloudchat.backup.room_export import export_rooms
from cloudchat.backup.room_records import write_records
from cloudchat.core.timestamps import rfc3339
from cloudchat.database.migrations import revision_of
from cloudchat.database.postgres_copy import dump_postgres
from cloudchat.database.transfer import copy_sqlite
from cloudchat.database.urls import kind_of, sqlite_file, sqlite_url

_COMPRESSION = 3  # twice as fast as gzip's own 6, and a tenth larger: the server needs the machine too


def create_backup(target: Path, store_url: str, database_url: str, keys: Path, now: float) -> Manifest:
    """Write the file. Raises BadBackup, BrokerUnavailable, CopyFailed, MigrationError, DatabaseUrlError, OSError."""
    kind = kind_of(database_url)
    if revision_of(database_url) is None:
        raise BadBackup("there is nothing to back up: no server has made its database here")
    with atomic_file(target) as (file, scratch):
        archive = ArchiveWriter(file, now)
        with archive.member(ROOMS) as member:
            rooms, events = _write_rooms(store_url, member)
        schema = _write_database(archive, kind, database_url, scratch)
        _write_keys(archive, keys)
        manifest = Manifest(
            format=FORMAT,
            cloudchat=__version__,
            created_at=rfc3339(now),
            database=kind,
            schema=schema,
            rooms=rooms,
            events=events,
            members=list(archive.members),
        )
        archive.finish(manifest)
    return manifest


def _write_rooms(store_url: str, member: BinaryIO) -> tuple[int, int]:
    with gzip.GzipFile(fileobj=member, mode="wb", compresslevel=_COMPRESSION, mtime=0) as packed:
        return write_records(export_rooms(store_url), cast(BinaryIO, packed))


def _write_database(archive: ArchiveWriter, kind: str, url: str, scratch: Path) -> str:
    """Returns the schema of what was written."""
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
    with locked(keys):
        others = sorted(path for path in keys.iterdir() if path.suffix == ".key")
        for path in [*key_files(keys), *others]:
            archive.add(f"{KEYS}{path.name}", path)
