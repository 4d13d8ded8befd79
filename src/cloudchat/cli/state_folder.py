"""The one folder with everything a server keeps, and the lock that lets one server use it at a time."""

import fcntl
import os
import pwd
import stat
import time
from pathlib import Path

from cloudchat.backup import UNFINISHED
from cloudchat.cli.errors import CommandError

_LOCK = "server.lock"


def prepare_state_folder(path: Path) -> Path:
    """Make the folder, for this user alone (0700); returns its absolute path. Raises CommandError."""
    folder = path.absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
        _refuse_another_users(folder, found)
        if stat.S_IMODE(found.st_mode) & 0o077:
            _close_to_others(folder, found)
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError("not writable")
        (folder / "store").mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise CommandError(
            f"the state folder {folder} can't be used ({error.strerror or error}): "
            "make it writable, or choose another with CLOUDCHAT_STATE_DIR"
        ) from error
    return folder


def lock_state_folder(folder: Path, *, half_restored: bool = False) -> int:
    """Lock the folder until the returned descriptor closes. Raises CommandError with the holder's pid.

    `half_restored`: even if a restore was interrupted in it, which a server would take for a first start.
    Children do not inherit it (PEP 446): it tells of the server alone, and is free the moment the server is gone.
    """
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise CommandError(
            f"the state folder {folder} can't be used ({error.strerror}): "
            "make it writable, or choose another with CLOUDCHAT_STATE_DIR"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = _holder(lock)
        os.close(lock)
        raise CommandError(
            f"a server{holder} already runs on the state folder {folder}: "
            "stop it, or give this one another folder with CLOUDCHAT_STATE_DIR"
        ) from None
    if not half_restored and (folder / UNFINISHED).exists():
        os.close(lock)
        raise CommandError(
            f"a restore was interrupted in the state folder {folder}: run `cloudchat admin restore --replace` again"
        )
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock


def _refuse_another_users(folder: Path, found: os.stat_result) -> None:
    """What root writes into another user's folder, that user's server could not read."""
    if found.st_uid == os.geteuid():
        return
    try:
        owner = pwd.getpwuid(found.st_uid).pw_name
    except KeyError:
        owner = f"user {found.st_uid}"
    raise CommandError(
        f"the state folder {folder} belongs to {owner}: run this as {owner}, or choose another folder "
        "with CLOUDCHAT_STATE_DIR"
    )


def _close_to_others(folder: Path, found: os.stat_result) -> None:
    """Take the group's and others' rights away; but never from a folder that is in use for something else."""
    ours = (folder / _LOCK).exists() or not any(folder.iterdir())
    if found.st_mode & stat.S_ISVTX or not ours:
        raise CommandError(
            f"the state folder {folder} is open to other users and holds other things: "
            "choose an empty one with CLOUDCHAT_STATE_DIR, or chmod 700 it"
        )
    folder.chmod(0o700)


def _holder(lock: int) -> str:
    for _ in range(50):  # it writes its pid just after it has taken the lock
        pid = os.pread(lock, 20, 0).decode(errors="replace")
        if pid.isdigit():
            return f" (pid {pid})"
        time.sleep(0.01)
    return ""
