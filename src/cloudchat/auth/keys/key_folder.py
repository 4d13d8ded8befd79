"""The directory of the server's keys: its permissions, its lock, and writing a key file without a partial state.

Several processes share the directory. Used by the signing keys, by the vault and by backups.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class KeyFolderError(Exception):
    """The key directory cannot be used. The message says what to do."""


def key_files(directory: Path) -> list[Path]:
    """Return the signing keys, oldest first. Files with the same time sort by name, so all processes agree."""
    return sorted(directory.glob("*.pem"), key=lambda path: (path.stat().st_mtime_ns, path.name))


@contextmanager
def open_key_folder(directory: Path) -> Iterator[None]:
    """Create the directory if it is missing, restrict it to the server's user, and hold its lock.

    Raises:
        KeyFolderError: An operation on the directory failed, in this function or in the block.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        with lock_key_folder(directory):
            yield
    except OSError as error:
        raise KeyFolderError(f"cannot use the key directory {directory}: {error.strerror}; check its owner") from error


@contextmanager
def lock_key_folder(directory: Path) -> Iterator[None]:
    """Hold the directory's lock against all other processes and threads. Flush new entries to disk at the end."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_key_file(path: Path, content: bytes) -> None:
    """Write a file with mode 0400. The rename is atomic: a crash never leaves a partial key."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), 0o400)
        os.fsync(file.fileno())
    os.rename(temporary, path)
