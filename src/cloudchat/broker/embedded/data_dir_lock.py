"""The embedded store's folder: who owns it, and where its socket is.

Two stores on one folder both start without an error and then write over each other. So the folder has a lock, and the
open file that holds it is handed down to the store: the lock lives exactly as long as the last process that could still
write there, whoever of server and store dies first.
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

from cloudchat.broker.embedded.errors import StoreStartError

_LONGEST_SOCKET_PATH = 107  # bytes; sun_path holds 108 with its closing NUL (unix(7))


def lock_folder(lock_path: Path) -> int:
    """Take the store's lock; returns the file descriptor that holds it, for the store to inherit.

    A store that outlived its killed server still holds the lock: it is ended first. That loses nothing, because
    every acknowledged write has been fsynced. Raises StoreStartError when a living server holds it.
    """
    lock = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    deadline = time.monotonic() + 5
    try:
        while not _try_lock(lock):
            _refuse_after(deadline, lock_path)
            end_leftovers(lock, owner=os.pread(lock, 20, 0).decode(errors="replace"))
            time.sleep(0.02)
    except BaseException:
        os.close(lock)
        raise
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock


def end_leftovers(lock: int, owner: str = "") -> None:
    """SIGKILL every other process that holds the lock: stores, and their forks, whose server is gone.

    `owner` is the pid of the server that took the lock. If that one still holds it, it lives, and so does its store:
    raises StoreStartError instead. Holding this very lock is better proof than a pid file: pids come again.
    """
    leftovers = [pid for pid in _holders(lock) if pid != os.getpid()]
    if owner in map(str, leftovers):
        raise StoreStartError(f"the server with pid {owner} already uses this store: stop it first")
    for pid in leftovers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def socket_path(folder: Path) -> Path:
    """Where the store listens: in its folder, or, if that path is too long for a socket, in a private short one.

    Raises StoreStartError when somebody else has made the short one before us.
    """
    path = folder / "store.sock"
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        return path
    name = f"cloudchat-{os.geteuid()}-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"
    for parent in (os.environ.get("XDG_RUNTIME_DIR"), "/tmp"):  # noqa: S108 (checked below)
        if parent and Path(parent).is_absolute():
            path = Path(parent) / name / "store.sock"
            if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH and Path(parent).is_dir():
                break
    _make_private(path.parent)
    return path


def _make_private(folder: Path) -> None:
    # Everybody may write to /tmp: another user may have made this folder first, to own the socket that we trust.
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) != 0o700:
        raise StoreStartError(
            f"{folder} is not a private folder of this user: remove it, or give CLOUDCHAT_STATE_DIR a shorter path"
        )


def _refuse_after(deadline: float, lock_path: Path) -> None:
    if time.monotonic() > deadline:
        raise StoreStartError(f"another program holds {lock_path}: end it, or choose another state folder")


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holders(lock: int) -> Iterator[int]:
    """Pids of this user's processes that hold the lock, by the descriptor that took it or one inherited from there."""
    wanted = os.fstat(lock)
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            # Processes of others can't be read, and any may end while we look.
            with contextlib.suppress(OSError):
                if any(_holds(process, fd.name, wanted) for fd in (process / "fd").iterdir()):
                    yield int(process.name)


def _holds(process: Path, descriptor: str, wanted: os.stat_result) -> bool:
    """Whether this descriptor holds the lock, not just the file: a backup that reads the folder must not be killed."""
    try:
        same_file = os.path.samestat((process / "fd" / descriptor).stat(), wanted)
        return same_file and "FLOCK" in (process / "fdinfo" / descriptor).read_text()
    except OSError:
        return False
