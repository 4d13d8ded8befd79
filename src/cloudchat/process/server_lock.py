"""Who holds the lock of a state directory: how commands find a server that runs on this machine.

Holding the lock is better evidence than a pid file, because pids are reused. Processes of other users cannot be read,
except by root.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

SERVER_LOCK = "server.lock"
"""A server holds an exclusive flock(2) on this file of its state directory."""

_PROC = Path("/proc")
_PREFIX = "CLOUDCHAT_"


def lock_holder(folder: Path) -> int | None:
    """Return the pid of the server that uses this state directory, or None.

    /proc/locks (proc(5)) shows the locks of all users. The descriptors of a sandboxed server (systemd's PrivateUsers=)
    cannot be read even by its own user.
    """
    try:
        inode = (folder / SERVER_LOCK).stat().st_ino
        pid = int((folder / SERVER_LOCK).read_text())
        locks = [line.split() for line in (_PROC / "locks").read_text().splitlines()]
    except (OSError, ValueError):
        return None
    is_held = any(lock[1] == "FLOCK" and lock[4] == str(pid) and lock[5].endswith(f":{inode}") for lock in locks)
    return pid if is_held else None


def find_servers() -> dict[Path, int]:
    """Return the state directories of the servers that run on this machine, with their pids."""
    found: dict[Path, int] = {}
    for process in _PROC.iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):  # another user's process, or one that has ended
                for folder in _locked_folders(process):
                    if lock_holder(folder) == int(process.name):
                        found[folder] = int(process.name)
    return found


def server_environment(pid: int) -> dict[str, str]:
    """Return the variables of cloudchat that the process was started with; empty if they cannot be read."""
    try:
        variables = (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return {}
    named = (os.fsdecode(variable).partition("=") for variable in variables)
    return {name: value for name, _, value in named if name.upper().startswith(_PREFIX)}


def _locked_folders(process: Path) -> Iterator[Path]:
    for descriptor in (process / "fd").iterdir():
        with contextlib.suppress(OSError):
            target = Path(os.readlink(descriptor))
            if target.name == SERVER_LOCK and _is_locked(descriptor):
                yield target.parent


def _is_locked(descriptor: Path) -> bool:
    return "FLOCK" in (descriptor.parent.parent / "fdinfo" / descriptor.name).read_text()
