"""The state folder, its secrets, the room left on its disk, and its backups."""

import os
import shutil
import stat
import time
from pathlib import Path

from cloudchat.backup import UNFINISHED
from cloudchat.backup.backup_files import list_backups
from cloudchat.doctor.check_result import CheckResult

MIN_FREE_BYTES = 512 << 20
SECRETS = Path("/etc/cloudchat/credentials")
"""On a machine that config/install.sh made."""
BACKUP_HOURS = 26
"""A daily timer, and two hours for its delay and the backup itself."""


def check_files(folder: Path) -> list[CheckResult]:
    """Is it there, is it private, is there room?"""
    if not folder.is_dir():
        return [CheckResult("state folder", f"{folder} is not there: `cloudchat serve` makes it at its first start")]
    if not os.access(folder, os.R_OK | os.X_OK):
        return [CheckResult("state folder", f"{folder} can't be read by this user: run this as its owner")]
    findings = [_private("state folder", folder)]
    keys = sorted((folder / "keys").glob("*"))
    findings += [_private("key", key) for key in keys if key.is_file()]
    if not keys:
        findings.append(CheckResult("signing keys", "there are none: `cloudchat serve` makes them at its first start"))
    if (folder / UNFINISHED).exists():
        mend = "it was interrupted: run `cloudchat admin restore --replace FILE` again"
        findings.append(CheckResult("restore", mend))
    return [*findings, _disk(folder)]


def check_secrets(folder: Path = SECRETS) -> list[CheckResult]:
    """Where systemd takes the URLs of store and database from, which hold passwords: for root alone."""
    return [_private("secrets", folder)] if folder.is_dir() else []


def check_backups(folder: Path, now: float | None = None) -> list[CheckResult]:
    """Is there a backup of the last day, which nobody else can read?"""
    try:
        backups = list_backups(folder)
    except OSError as error:
        return [
            CheckResult("backups", f"{folder} can't be read ({error.strerror}): name the folder of the backup timer")
        ]
    if not backups:
        mend = f"there is none in {folder}: systemctl status cloudchat-backup.timer, journalctl -u cloudchat-backup"
        return [CheckResult("backups", mend)]
    newest = backups[-1]
    hours = ((now or time.time()) - newest.stat().st_mtime) / 3600
    name = f"backups: {len(backups)}, the newest {hours:.0f} h old"
    if hours > BACKUP_HOURS:
        return [CheckResult(name, "it should be a day old at most: journalctl -u cloudchat-backup")]
    return [_private(f"{name},", newest)]


def _private(what: str, path: Path) -> CheckResult:
    name = f"{what} {path}"
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        return CheckResult(name, f"others may read it: chmod go-rwx {path}")
    return CheckResult(name)


def _disk(folder: Path) -> CheckResult:
    free = shutil.disk_usage(folder).free
    name = f"disk of the state folder: {free / 1e9:.1f} GB free"
    return CheckResult(name, "a full disk stops every message: free 0.5 GB at least" if free < MIN_FREE_BYTES else None)
