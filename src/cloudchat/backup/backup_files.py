"""Backup files in a directory: each appears when it is complete, and old ones are removed."""

import errno
import fcntl
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_NAME = re.compile(r"cloudchat-\d{8}T\d{6}Z\.tar")
_PARTIAL = ".partial"
_SCRATCH = "-scratch"


@contextmanager
def atomic_file(target: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """Open a file under a temporary name; rename it to `target`, on disk (fsync), when the block ends.

    The block gets the file, which only this user can read (0600), and a scratch path beside it for data that needs a
    separate file. If the block raises, both are removed. Raises OSError; FileExistsError if `target` exists.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=_PARTIAL, dir=target.parent)
    path = Path(name)
    with os.fdopen(descriptor, "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # tells remove_leftovers that this file is still being written
        try:
            yield file, _scratch_of(path)
            file.flush()
            os.fsync(file.fileno())
            if target.exists():
                raise FileExistsError(errno.EEXIST, "the file exists already", str(target))
            path.rename(target)
        finally:
            _remove(path)
    sync_folder(target.parent)


def replace_file(target: Path, content: bytes) -> None:
    """Write a small file that only this user can read (0600), in place of an older one. Raises OSError."""
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=_PARTIAL, dir=target.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Flush a directory to disk, so that files created, renamed and removed in it survive a power loss."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def backup_name(now: float) -> str:
    """Return the file name of a backup made at `now`. Names sort by time."""
    return time.strftime("cloudchat-%Y%m%dT%H%M%SZ.tar", time.gmtime(now))


def list_backups(folder: Path) -> list[Path]:
    """Return the backups in a directory, oldest first; files with any other name are ignored. Raises OSError."""
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))


def remove_old_backups(folder: Path, keep: int) -> list[Path]:
    """Remove all but the `keep` newest backups, and return what was removed. Raises OSError."""
    old = list_backups(folder)[:-keep]
    for path in old:
        path.unlink()
    return old


def remove_leftovers(folder: Path) -> None:
    """Remove partial files that killed processes left. A process that still writes holds the lock of its file."""
    for path in folder.glob(f".cloudchat-*{_PARTIAL}"):
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            _remove(path)


def _remove(path: Path) -> None:
    """Remove a partial file and the files beside it, whose names begin with that of the scratch path."""
    for leftover in path.parent.glob(f"{_scratch_of(path).name}*"):
        leftover.unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def _scratch_of(path: Path) -> Path:
    return path.with_name(path.name + _SCRATCH)
