"""A file that is there when it is whole, and before that under another name."""

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_SUFFIX = ".partial"
_SCRATCH = "-scratch"


@contextmanager
def atomic_file(target: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """An empty file, for this user alone (0600), that becomes `target` at the block's end, on disk (fsync).

    And a path beside it, where nothing is, for whatever has to be a file of its own on the way. If the block raises,
    nothing is left of either. Raises OSError; FileExistsError rather than replace a file.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=_SUFFIX, dir=target.parent)
    path = Path(name)
    with os.fdopen(descriptor, "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield file, _scratch_of(path)
            file.flush()
            os.fsync(file.fileno())
            if target.exists():
                raise FileExistsError(errno.EEXIST, "a file is there already", str(target))
            path.rename(target)
        finally:
            path.unlink(missing_ok=True)
            _scratch_of(path).unlink(missing_ok=True)
    sync_folder(target.parent)


def remove_leftovers(folder: Path, pattern: str) -> None:
    """Remove what killed processes left of targets that match the pattern: who still writes holds a lock."""
    for path in folder.glob(f".{pattern}{_SUFFIX}"):
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            _scratch_of(path).unlink(missing_ok=True)
            path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Put what was made, renamed and removed in a folder on disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _scratch_of(path: Path) -> Path:
    return path.with_name(path.name + _SCRATCH)
