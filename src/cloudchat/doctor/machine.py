"""The checks of the machine: the limit of open files, and the clock."""

import resource
import time
from pathlib import Path

from cloudchat.doctor.check_result import MAX_CLOCK_OFFSET_SECONDS, CheckResult
from cloudchat.process.server_lock import lock_holder
from cloudchat.settings import Settings

RESERVED_FILES = 200
"""Descriptors for everything but clients' sockets: database, store, logs, page, requests in progress."""
MIN_DEFAULT_SOCKETS = 1000
"""A limit of open files that allows fewer is a problem, even if the number of sockets was not set."""


def check_machine(settings: Settings) -> list[CheckResult]:
    """Check what needs neither database nor store."""
    return [_check_open_files(settings), _check_clock(settings.state_dir)]


def _check_open_files(settings: Settings) -> CheckResult:
    """Check the limit of the running server if there is one: systemd may give it another limit than this shell has.

    A server does not admit more sockets than its limit allows. So only a number that the operator has set is required.
    """
    limit, owner = _limit_of_server(settings.state_dir), "the server's"
    if limit is None:
        limit, owner = resource.getrlimit(resource.RLIMIT_NOFILE)[1], "this shell's"
    if limit == resource.RLIM_INFINITY:
        return CheckResult(f"open files: {owner} limit is unlimited")
    is_set = "sockets_in_total" in settings.model_fields_set
    required = settings.sockets_in_total if is_set else min(settings.sockets_in_total, MIN_DEFAULT_SOCKETS)
    room = limit - RESERVED_FILES
    name = f"open files: {owner} limit is {limit}, enough for {max(0, min(room, settings.sockets_in_total))} sockets"
    if room >= required:
        return CheckResult(name)
    return CheckResult(
        name,
        f"{required} sockets{' (CLOUDCHAT_SOCKETS_IN_TOTAL)' if is_set else ''} need {required + RESERVED_FILES}: "
        "raise LimitNOFILE= in the unit or ulimit -n in the shell, or allow fewer sockets",
    )


def _limit_of_server(state_dir: Path) -> int | None:
    """Return the soft limit of the server that uses this directory; None without a server, or if it cannot be read."""
    pid = lock_holder(state_dir)
    try:
        limits = Path(f"/proc/{pid}/limits").read_text()
    except OSError:
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
