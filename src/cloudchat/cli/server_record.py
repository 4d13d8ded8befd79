"""The settings in force of a running server, in its state directory, for the commands beside it.

A command has another environment than the server, and does not know its options. Secrets are not in the record.
"""

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from cloudchat.cli.errors import warn
from cloudchat.process.server_lock import lock_holder, server_environment
from cloudchat.settings import Settings

_RECORD = "server.json"
_SECRETS = ("redis_url", "database_url")


def write_server_record(settings: Settings, set_by_operator: set[str]) -> None:
    """Write the record of this process. `settings` are those in force, before the embedded store has a URL."""
    record = {
        "pid": os.getpid(),
        "settings": settings.model_dump(mode="json", exclude=set(_SECRETS)),
        "set": sorted(set_by_operator),
        "secrets": [name for name in _SECRETS if getattr(settings, name) is not None],
    }
    path = settings.state_dir / _RECORD
    new = path.with_name(f".{_RECORD}.new")
    try:
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as file:
            json.dump(record, file, indent=2)
        new.replace(path)
    except OSError as error:
        warn(f"{path} cannot be written ({error.strerror}): other commands will not know the settings of this server")


def remove_server_record(folder: Path) -> None:
    """Remove the record when the server ends."""
    with contextlib.suppress(OSError):
        (folder / _RECORD).unlink()


def settings_of_server(own: Settings) -> tuple[Settings, list[str]] | None:
    """Return the settings of the server in the directory of `own`, and which of its secrets are not known here.

    Secrets are taken from this command's settings, else from the server's environment. None without a server, and for
    one that left no record.
    """
    folder = own.state_dir.absolute()
    pid = lock_holder(folder)
    if pid is None:
        return None
    try:
        record = json.loads((folder / _RECORD).read_text())
        if record["pid"] != pid:
            return None
        values = {name: _restored(name, value) for name, value in record["settings"].items()}
        set_by_operator, secrets = set(record["set"]), list(record["secrets"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    known = {name: value for name, value in values.items() if name in Settings.model_fields}
    urls = {name: getattr(own, name) or _secret_of(pid, name) for name in _SECRETS}
    settings = Settings.model_construct(_fields_set=set_by_operator, **{**dict(own), **known, **urls})
    return settings, [name for name in secrets if urls[name] is None]


def _restored(name: str, value: Any) -> Any:
    if name == "state_dir":
        return Path(value)
    return tuple(value) if isinstance(value, list) else value


def _secret_of(pid: int, name: str) -> SecretStr | None:
    variables = {variable.upper(): value for variable, value in server_environment(pid).items()}
    value = variables.get(f"CLOUDCHAT_{name.upper()}")
    return getattr(Settings.model_validate({name: value}), name) if value else None
