"""The checks of the state directory, its keys and its disk, the secrets in /etc, and the backups."""

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
"""On a machine that config/install.sh set up: the URLs of store and database, which contain passwords."""
MAX_BACKUP_AGE_HOURS = 26
"""The backup timer runs daily; two hours more for its random delay and for the backup itself."""


def check_state_folder(folder: Path) -> list[CheckResult]:
    """Check that the directory exists, is private and complete, and that its disk has space."""
    if not folder.is_dir():
        return [CheckResult("state directory", f"{folder} does not exist: `cloudchat serve` creates it")]
    if not os.access(folder, os.R_OK | os.X_OK):
        return [CheckResult("state directory", f"this user cannot read {folder}: run this command as its owner")]
    results = [_check_private("state directory", folder)]
    keys = sorted((folder / "keys").glob("*"))
    results += [_check_private("key", key) for key in keys if key.is_file()]
    if not keys:
        results.append(CheckResult("signing keys", "there are none: `cloudchat serve` creates them"))
    if (folder / UNFINISHED).exists():
        problem = "it was interrupted: run `cloudchat admin restore --replace FILE` again"
        results.append(CheckResult("restore", problem))
    return [*results, _check_disk(folder)]


def check_secrets(folder: Path = SECRETS) -> list[CheckResult]:
    """Check that only root can read the secrets that systemd passes to the server. Skipped if there is no directory."""
    return [_check_private("secrets", folder)] if folder.is_dir() else []


def check_backups(folder: Path, now: float | None = None) -> list[CheckResult]:
    """Check that the newest backup is recent, and that no other user can read it."""
    try:
        backups = list_backups(folder)
    except OSError as error:
        problem = f"{folder} cannot be read ({error.strerror}): give the directory that the backup timer writes to"
        return [CheckResult("backups", problem)]
    if not backups:
        problem = f"{folder} has none: systemctl status cloudchat-backup.timer, journalctl -u cloudchat-backup"
        return [CheckResult("backups", problem)]
    newest = backups[-1]
    age_hours = ((now or time.time()) - newest.stat().st_mtime) / 3600
    name = f"backups: {len(backups)}, the newest is {age_hours:.0f} h old"
    if age_hours > MAX_BACKUP_AGE_HOURS:
        return [CheckResult(name, "it should be at most a day old: journalctl -u cloudchat-backup")]
    return [_check_private(f"{name},", newest)]


def _check_private(kind: str, path: Path) -> CheckResult:
    name = f"{kind} {path}"
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        return CheckResult(name, f"other users may read it: chmod go-rwx {path}")
    return CheckResult(name)


def _check_disk(folder: Path) -> CheckResult:
    free = shutil.disk_usage(folder).free
    name = f"disk of the state directory: {free / 1e9:.1f} GB free"
    problem = "no message can be stored when it is full: free at least 0.5 GB"
    return CheckResult(name, problem if free < MIN_FREE_BYTES else None)
