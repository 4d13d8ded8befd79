"""The machine: open files, clocks."""

import resource
import time
from pathlib import Path

from cloudchat.doctor.check_result import CheckResult
from cloudchat.settings import Settings

SPARE_FILES = 200
"""Descriptors of a process that are no clients' sockets: database, store, logs, page, requests under way."""
CLOCK_SECONDS = 5.0


def check_machine(settings: Settings) -> list[CheckResult]:
    """Everything that needs neither database nor store."""
    return [_open_files(settings), _time_goes_on(settings.state_dir)]


def clocks_agree(whose: str, told: float, asked: float, heard: float) -> CheckResult:
    """A clock that said `told` to a question of between `asked` and `heard`; all in seconds since 1970."""
    off = 0.0 if asked <= told <= heard else min(abs(told - asked), abs(told - heard))
    name = f"clock: the {whose}'s differs by {off:.1f} s"
    if off > CLOCK_SECONDS:
        return CheckResult(name, "tokens and limits go by it: let both keep time by NTP (timedatectl set-ntp true)")
    return CheckResult(name)


def _open_files(settings: Settings) -> CheckResult:
    """Of the server if it runs, for the service manager may give it another limit than this shell has."""
    limit, whose = _limit_of_server(settings.state_dir), "the server's"
    if limit is None:
        limit, whose = resource.getrlimit(resource.RLIMIT_NOFILE)[1], "this shell's"
    needed = settings.sockets_in_total + SPARE_FILES
    name = f"open files: {whose} limit is {limit}"
    if limit != resource.RLIM_INFINITY and limit < needed:
        return CheckResult(
            name,
            f"CLOUDCHAT_SOCKETS_IN_TOTAL={settings.sockets_in_total} needs {needed}: LimitNOFILE= in the unit, "
            "ulimit -n in a shell, or fewer sockets",
        )
    return CheckResult(name)


def _limit_of_server(state_dir: Path) -> int | None:
    try:
        pid = int((state_dir / "server.lock").read_text())
        limits = Path(f"/proc/{pid}/limits").read_text()
        if b"cloudchat" not in Path(f"/proc/{pid}/cmdline").read_bytes():
            return None
    except (OSError, ValueError):
        return None
    soft = next(line for line in limits.splitlines() if line.startswith("Max open files")).split()[3]
    return resource.RLIM_INFINITY if soft == "unlimited" else int(soft)


def _time_goes_on(state_dir: Path) -> CheckResult:
    """Nothing that was written can be of tomorrow."""
    now = time.time()
    newest = max((path.stat().st_mtime for path in state_dir.glob("*") if path.is_file()), default=0.0)
    if newest > now + CLOCK_SECONDS:
        return CheckResult("clock", f"it was set back by {newest - now:.0f} s since the last write: timedatectl status")
    return CheckResult(f"clock: {time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(now))} UTC")
