"""`cloudchat init`: create the state of an installation without starting a server."""

import argparse
import os
from typing import TYPE_CHECKING

from cloudchat.cli.errors import CommandError, note

if TYPE_CHECKING:
    from cloudchat.settings import Settings


def register_init_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `init` to the parser."""
    parser = commands.add_parser(
        "init",
        help="create the state directory, the database, the keys and the first administrator",
        description="Create what `cloudchat serve` creates at its first start: the state directory, the database, the "
        "signing keys and the user admin. Prints only the one-time password of admin, or nothing if there are users "
        "already. Everything that exists is kept.",
        allow_abbrev=False,
    )
    parser.set_defaults(run=init)


def init(_: argparse.Namespace) -> int:
    """Run `init`. Return the exit code. Raises CommandError."""
    from cloudchat.cli.installation import folder_to_create
    from cloudchat.cli.state_folder import lock_state_folder

    settings = folder_to_create(beside_another=True)
    lock = lock_state_folder(settings.state_dir)
    try:
        password = prepare_data(settings)
    finally:
        os.close(lock)
    if password is None:
        note("there are users already; nothing was changed")
    else:
        print(password)
    return 0


def prepare_data(settings: "Settings") -> str | None:
    """Create what a first start or a new version needs: tables, keys, the first administrator.

    Return the administrator's one-time password, None if there are users already. Raises CommandError.
    """
    from cloudchat.auth.bootstrap import bootstrap
    from cloudchat.auth.keys.key_folder import KeyFolderError
    from cloudchat.database.migrations import MigrationError, upgrade
    from cloudchat.database.transactions import DatabaseUnavailable
    from cloudchat.database.urls import DatabaseUrlError

    try:
        upgrade(settings.database.get_secret_value())
        return bootstrap(settings)
    except (DatabaseUrlError, DatabaseUnavailable, KeyFolderError, MigrationError) as error:
        raise CommandError(str(error)) from error
