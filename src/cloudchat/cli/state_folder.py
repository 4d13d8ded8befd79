"""The directory with the whole state of a server, and the lock that allows one server at a time to use it."""

import fcntl
import os
import pwd
import stat
import time
from pathlib import Path

from cloudchat.backup import UNFINISHED
from cloudchat.cli.errors import CommandError
from cloudchat.process.server_lock import SERVER_LOCK
from cloudchat.settings import DATABASE_FILE

_MAX_PID_DIGITS = 20


def has_state(folder: Path) -> bool:
    """Return whether the directory has the database or the keys of an installation. Changes nothing."""
    try:
        return (folder / DATABASE_FILE).exists() or any((folder / "keys").glob("*.pem"))
    except PermissionError:
        return True  # another user's: the command then says whose


def prepare_state_folder(path: Path, *, create: bool = True) -> Path:
    """Make the directory private to this user (0700), and return its absolute path.

    A missing directory is created unless `create` is false. Raises CommandError.
    """
    folder = path.absolute()
    try:
        str(folder).encode()
    except UnicodeEncodeError as error:
        raise CommandError(
            f"the state directory {os.fsencode(folder)!r} has a name that is not UTF-8: choose another directory with "
            "CLOUDCHAT_STATE_DIR"
        ) from error
    try:
        if create:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
        _check_owner(folder, status)
        if stat.S_IMODE(status.st_mode) & 0o077:
            _restrict_to_owner(folder, status)
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError("not writable")
        if create:
            (folder / "store").mkdir(mode=0o700, exist_ok=True)
        for database in folder.glob(f"{DATABASE_FILE}*"):  # earlier versions created it with the mode of the umask
            if stat.S_IMODE(database.lstat().st_mode) & 0o077 and not database.is_symlink():
                database.chmod(0o600)
    except OSError as error:
        raise _unusable(folder, error) from error
    return folder


def lock_state_folder(folder: Path, *, allow_half_restored: bool = False) -> int:
    """Lock the directory until the returned descriptor is closed. Raises CommandError with the pid of the other server.

    After an interrupted restore it raises unless `allow_half_restored`: a server would treat the state as new.
    Children do not inherit the descriptor (PEP 446), so the lock is free as soon as the server has ended.
    """
    try:
        lock = os.open(folder / SERVER_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise _unusable(folder, error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = _describe_holder(lock)
        os.close(lock)
        raise CommandError(
            f"a server{holder} already uses the state directory {folder}: "
            "stop it, or choose another directory with CLOUDCHAT_STATE_DIR"
        ) from None
    if not allow_half_restored and (folder / UNFINISHED).exists():
        os.close(lock)
        raise CommandError(
            f"a restore was interrupted in the state directory {folder}: run `cloudchat admin restore --replace` again"
        )
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock


def _unusable(folder: Path, error: OSError) -> CommandError:
    return CommandError(
        f"the state directory {folder} cannot be used ({error.strerror or error}): "
        "make it writable, or choose another directory with CLOUDCHAT_STATE_DIR"
    )


def _check_owner(folder: Path, status: os.stat_result) -> None:
    """Reject another user's directory: that user's server could not read what root writes there."""
    if status.st_uid == os.geteuid():
        return
    try:
        owner = pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        owner = f"user {status.st_uid}"
    raise CommandError(
        f"the state directory {folder} belongs to {owner}: run this command as {owner}, or choose another directory "
        "with CLOUDCHAT_STATE_DIR"
    )


def _restrict_to_owner(folder: Path, status: os.stat_result) -> None:
    """Remove the permissions of the group and of others, but not from a directory that is used for something else."""
    is_state_folder = (folder / SERVER_LOCK).exists() or not any(folder.iterdir())
    if status.st_mode & stat.S_ISVTX or not is_state_folder:
        raise CommandError(
            f"the state directory {folder} is open to other users and contains other files: "
            "choose an empty directory with CLOUDCHAT_STATE_DIR, or run chmod 700 on it"
        )
    folder.chmod(0o700)


def _describe_holder(lock: int) -> str:
    for _ in range(50):  # the other server writes its pid just after it has taken the lock
        pid = os.pread(lock, _MAX_PID_DIGITS, 0).decode(errors="replace")
        if pid.isdigit():
            return f" (pid {pid})"
        time.sleep(0.01)
    return ""
