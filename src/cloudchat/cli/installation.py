"""Find the installation that a command acts on. A command never creates one, except `init` and `restore`."""

import os
from pathlib import Path

from msgspec import Struct

from cloudchat.cli.environment import load_settings
from cloudchat.cli.errors import CommandError, note
from cloudchat.cli.server_record import settings_of_server
from cloudchat.cli.state_folder import has_state, prepare_state_folder
from cloudchat.process.server_lock import find_servers
from cloudchat.settings import Settings

SYSTEM_FOLDER = Path("/var/lib/cloudchat")
"""The state directory of the systemd unit (config/install.sh)."""
SYSTEM_COMMAND = Path("/usr/local/bin/cloudchat")
"""Runs a command as the unit's user, with the unit's settings and secrets."""


class Installation(Struct, frozen=True):
    """The settings of an installation, those of its server if one runs. `state_dir` is absolute.

    `how_found` is for the operator. `unknown_secrets` are URLs that the server has and this command does not.
    """

    settings: Settings
    how_found: str
    server_runs: bool
    unknown_secrets: tuple[str, ...]


def find_installation() -> Installation | None:
    """Return the installation, or None if there is none. Raises CommandError if there are several.

    Where it looks: only in CLOUDCHAT_STATE_DIR if that is set; else in ./var, then at the servers that run on this
    machine, then in the directory of the systemd unit.
    """
    settings = load_settings()
    if "state_dir" in settings.model_fields_set:
        return _installation(settings, settings.state_dir, "CLOUDCHAT_STATE_DIR") if _exists(settings) else None
    if _exists(settings):
        return _installation(settings, settings.state_dir, "in the working directory")
    servers = find_servers()
    if len(servers) > 1:
        folders = ", ".join(sorted(map(str, servers)))
        raise CommandError(f"several servers run on this machine: set CLOUDCHAT_STATE_DIR to one of {folders}")
    for folder, pid in servers.items():
        return _installation(settings, folder, f"of the server with pid {pid}")
    if SYSTEM_FOLDER.is_dir() and (SYSTEM_FOLDER.stat().st_uid != os.geteuid() or has_state(SYSTEM_FOLDER)):
        return _installation(settings, SYSTEM_FOLDER, "of the systemd unit")
    return None


def open_installation() -> Settings:
    """Return the settings of the installation, and print its directory on standard error.

    Raises CommandError if there is none, or if this user or this environment is not the right one for it.
    """
    found = find_installation()
    if found is None:
        raise CommandError(_nothing_found(load_settings()))
    settings = found.settings
    prepare_state_folder(settings.state_dir, create=False)
    if found.unknown_secrets:
        variables = ", ".join(f"CLOUDCHAT_{name.upper()}" for name in found.unknown_secrets)
        raise CommandError(
            f"the server of {settings.state_dir} has {variables}, which this command does not have: set the same "
            f"value, or run `sudo {SYSTEM_COMMAND}` on a machine that config/install.sh set up"
        )
    note(f"state directory {settings.state_dir} ({found.how_found})")
    return settings


def folder_to_create(*, beside_another: bool) -> Settings:
    """Return the settings for a command that may create the state, and print the directory on standard error.

    Raises CommandError if the directory is only the default, and there is an installation somewhere else, unless
    `beside_another`.
    """
    settings = load_settings()
    found = None if beside_another else find_installation()
    if found is not None and found.settings.state_dir != settings.state_dir.absolute():
        raise CommandError(
            f"there is an installation in {found.settings.state_dir} ({found.how_found}): set CLOUDCHAT_STATE_DIR to "
            f"that directory, or to {settings.state_dir.absolute()} for a new one"
        )
    folder = prepare_state_folder(settings.state_dir)
    note(f"state directory {folder}")
    return settings.model_copy(update={"state_dir": folder})


def _exists(settings: Settings) -> bool:
    """Return whether the directory of the settings has a state, or exists and belongs to an external database."""
    return has_state(settings.state_dir) or (settings.database_url is not None and settings.state_dir.is_dir())


def _installation(settings: Settings, folder: Path, how_found: str) -> Installation:
    own = settings.model_copy(update={"state_dir": folder.absolute()})
    server = settings_of_server(own)
    if server is None:
        return Installation(own, how_found, False, ())
    return Installation(server[0], how_found, True, tuple(server[1]))


def _nothing_found(settings: Settings) -> str:
    folder = settings.state_dir.absolute()
    if "state_dir" in settings.model_fields_set:
        return (
            f"there is no installation in {folder}: correct CLOUDCHAT_STATE_DIR, or create one with "
            "`cloudchat serve` or `cloudchat init`"
        )
    return (
        f"there is no installation in {folder} or {SYSTEM_FOLDER}, and no server of this user runs: set "
        "CLOUDCHAT_STATE_DIR to the directory of the server, or create one with `cloudchat serve` or `cloudchat init`"
    )
