"""The lock on the embedded store's data directory, and the path of the store's socket.

Two stores on one directory both start without an error and then overwrite each other's data. So the directory has a
lock, and the store inherits the open file that holds it. The lock is held until the last process that could still write
there has ended, whether the server or the store ends first.
"""

import contextlib
import fcntl
import hashlib
import os
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from cloudchat.broker.embedded import StoreStartError

MAX_SOCKET_PATH_BYTES = 107
"""`sun_path` holds 108 bytes with the closing NUL (unix(7))."""
LOCK_SECONDS = 5.0


def acquire_lock(lock_path: Path) -> int:
    """Take the lock and return its file descriptor, which the store must inherit.

    A store whose server was killed still holds the lock: it is killed first. That loses nothing, because every
    acknowledged write has been fsynced. Raises StoreStartError if a running server holds the lock.
    """
    # O_NOFOLLOW: the file is truncated below, and a symbolic link could name any other file.
    lock = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    deadline = time.monotonic() + LOCK_SECONDS
    try:
        while not _try_lock(lock):
            _raise_after(deadline, lock_path)
            kill_orphans(lock, owner=os.pread(lock, 20, 0).decode(errors="replace"))
            time.sleep(0.02)
    except BaseException:
        os.close(lock)
        raise
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock


def kill_orphans(lock: int, owner: str = "") -> None:
    """Kill every other process that holds the lock: stores, and their forks, whose server has ended.

    `owner` is the pid of the server that took the lock. If that process itself still holds it, the server is running:
    raises StoreStartError. Holding this very lock is better evidence than a pid file, because pids are reused.
    """
    holders = [pid for pid in _holders(lock) if pid != os.getpid()]
    if owner in map(str, holders):
        raise StoreStartError(f"the server with pid {owner} already uses this store: stop it first")
    for pid in holders:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def socket_path(data_dir: Path) -> Path:
    """Return the path of the store's socket: in its directory, or in a short private one if that path is too long.

    Raises StoreStartError if another user has created the short directory first.
    """
    path = data_dir / "store.sock"
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH_BYTES:
        return path
    name = f"cloudchat-{os.geteuid()}-{hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]}"
    for parent in (os.environ.get("XDG_RUNTIME_DIR"), "/tmp"):  # noqa: S108 (checked below)
        if parent and Path(parent).is_absolute():
            path = Path(parent) / name / "store.sock"
            if len(os.fsencode(path)) <= MAX_SOCKET_PATH_BYTES and Path(parent).is_dir():
                break
    _create_private(path.parent)
    return path


def socket_url(socket: Path) -> str:
    """Return the URL of a store's socket, whatever characters its path has."""
    return f"unix://{quote(str(socket))}"


def _create_private(directory: Path) -> None:
    # Every user can write to /tmp: another one may have created this directory first, to own the socket that we trust.
    with contextlib.suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) != 0o700:
        raise StoreStartError(
            f"{directory} is not a private directory of this user: "
            "remove it, or set CLOUDCHAT_STATE_DIR to a shorter path"
        )


def _raise_after(deadline: float, lock_path: Path) -> None:
    if time.monotonic() > deadline:
        raise StoreStartError(
            f"another program holds the lock {lock_path}: stop it, or set CLOUDCHAT_STATE_DIR to another directory"
        )


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holders(lock: int) -> Iterator[int]:
    """Yield the pids of this user's processes that hold the lock, by their own descriptor or an inherited one."""
    lock_file = os.fstat(lock)
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            # Other users' processes cannot be read, and a process may end at any time.
            with contextlib.suppress(OSError):
                if any(_holds_lock(process, fd.name, lock_file) for fd in (process / "fd").iterdir()):
                    yield int(process.name)


def _holds_lock(process: Path, descriptor: str, lock_file: os.stat_result) -> bool:
    """Return whether a descriptor holds the lock. A backup that only has the file open must not be killed."""
    try:
        same_file = os.path.samestat((process / "fd" / descriptor).stat(), lock_file)
        return same_file and "FLOCK" in (process / "fdinfo" / descriptor).read_text()
    except OSError:
        return False
