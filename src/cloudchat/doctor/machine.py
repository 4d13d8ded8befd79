"""The checks of the machine: the limit of open files, and the clock."""

import resource
import time
from pathlib import Path

from cloudchat.doctor.check_result import MAX_CLOCK_OFFSET_SECONDS, CheckResult
from cloudchat.settings import Settings

RESERVED_FILES = 200
"""Descriptors for everything but clients' sockets: database, store, logs, page, requests in progress."""


def check_machine(settings: Settings) -> list[CheckResult]:
    """Check what needs neither database nor store."""
    return [_check_open_files(settings), _check_clock(settings.state_dir)]


def _check_open_files(settings: Settings) -> CheckResult:
    """Check the limit of the running server if there is one: systemd may give it another limit than this shell has."""
    limit, owner = _limit_of_server(settings.state_dir), "the server's"
    if limit is None:
        limit, owner = resource.getrlimit(resource.RLIMIT_NOFILE)[1], "this shell's"
    needed = settings.sockets_in_total + RESERVED_FILES
    name = f"open files: {owner} limit is {limit}"
    if limit != resource.RLIM_INFINITY and limit < needed:
        return CheckResult(
            name,
            f"CLOUDCHAT_SOCKETS_IN_TOTAL={settings.sockets_in_total} needs {needed}: raise LimitNOFILE= in the unit or "
            "ulimit -n in the shell, or allow fewer sockets",
        )
    return CheckResult(name)


def _limit_of_server(state_dir: Path) -> int | None:
    """Return the soft limit of the server that uses this directory; None without a server, or if it cannot be read."""
    try:
        pid = int((state_dir / "server.lock").read_text())
        limits = Path(f"/proc/{pid}/limits").read_text()
        if b"cloudchat" not in Path(f"/proc/{pid}/cmdline").read_bytes():
            return None
    except (OSError, ValueError):
        return None
    soft = next(line for line in limits.splitlines() if line.startswith("Max open files")).split()[3]
    return resource.RLIM_INFINITY if soft == "unlimited" else int(soft)


def _check_clock(state_dir: Path) -> CheckResult:
    """Compare the clock with the newest file of the state: a file from the future means that it was set back."""
    now = time.time()
    newest = max((path.stat().st_mtime for path in state_dir.glob("*") if path.is_file()), default=0.0)
    if newest > now + MAX_CLOCK_OFFSET_SECONDS:
        return CheckResult(
            "clock", f"it was set back by {newest - now:.0f} s since the last write: check it with timedatectl status"
        )
    return CheckResult(f"clock: {time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(now))} UTC")
