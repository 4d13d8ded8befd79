"""What `cloudchat doctor` looks at. Each check changes nothing, takes seconds at most, and says the mend."""

import stat
from dataclasses import dataclass
from pathlib import Path

from cloudchat.broker.store_folder import socket_path
from cloudchat.database.engine import DatabaseUrlError
from cloudchat.database.migrations import MigrationError, is_current
from cloudchat.operations.store_check import StoreUnusable, check_store
from cloudchat.settings import Settings


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. `wrong` is None when all is well; else it names the mend."""

    what: str
    wrong: str | None = None


def examine(settings: Settings) -> list[Finding]:
    """Everything that can be looked at from this machine."""
    return [*_files(settings), _database(settings), *_store(settings), *_reach(settings)]


def _files(settings: Settings) -> list[Finding]:
    folder = settings.state_dir
    if not folder.is_dir():
        return [Finding("state folder", f"{folder} is not there: `cloudchat serve` makes it at its first start")]
    findings = [_private("state folder", folder)]
    keys = sorted((folder / "keys").glob("*"))
    findings += [_private("key", key) for key in keys if key.is_file()]
    if not keys:
        findings.append(Finding("signing keys", "there are none: `cloudchat serve` makes them at its first start"))
    return findings


def _private(what: str, path: Path) -> Finding:
    name = f"{what} {path}"
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        return Finding(name, f"others may read it: chmod go-rwx {path}")
    return Finding(name)


def _database(settings: Settings) -> Finding:
    try:
        current = is_current(settings.database.get_secret_value())
    except (DatabaseUrlError, MigrationError) as problem:
        return Finding("database", str(problem))
    return Finding("database", None if current else "its schema is older: `cloudchat serve` upgrades it at its start")


def _store(settings: Settings) -> list[Finding]:
    url = settings.redis_url.get_secret_value() if settings.redis_url else None
    if url is None:
        socket = socket_path(settings.state_dir.absolute() / "store")
        if not socket.exists():
            return [Finding("store", "the embedded one does not run: it does while `cloudchat serve` does")]
        url = f"unix://{socket}"
    try:
        weak = check_store(url)
    except StoreUnusable as problem:
        return [Finding("store", str(problem))]
    return [Finding("store", warning) for warning in weak] or [Finding("store")]


def _reach(settings: Settings) -> list[Finding]:
    if settings.on_loopback or settings.origins:
        return [Finding("allowed origins")]
    mend = "no page may use this server: set CLOUDCHAT_ALLOWED_ORIGINS=https://your.domain"
    return [Finding("allowed origins", mend)]
