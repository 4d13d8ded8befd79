"""A folder of backups, of which the newest are kept."""

import re
import time
from pathlib import Path

_NAME = re.compile(r"cloudchat-\d{8}T\d{6}Z\.tar")
PATTERN = "cloudchat-*"


def name_at(now: float) -> str:
    """The name of a backup made now; names sort by time."""
    return time.strftime("cloudchat-%Y%m%dT%H%M%SZ.tar", time.gmtime(now))


def backups_in(folder: Path) -> list[Path]:
    """The backups, oldest first. Files of any other name are not ours. Raises OSError."""
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))


def remove_old(folder: Path, keep: int) -> list[Path]:
    """Remove all but the newest; returns what was removed. Raises OSError."""
    old = backups_in(folder)[:-keep]
    for path in old:
        path.unlink()
    return old
