"""What the commands of `cloudchat admin` share: their parser, the service that they get, and durations."""

import argparse
import gc
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from cloudchat.cli.errors import CommandError

if TYPE_CHECKING:
    from cloudchat.admin.actor import Actor
    from cloudchat.admin.service import AdminService
    from cloudchat.settings import Settings

    Parsers = argparse._SubParsersAction[argparse.ArgumentParser]

Command = Callable[["AdminService", "Actor", argparse.Namespace], None]
_DURATION = re.compile(r"([1-9][0-9]{0,7})([smhd])", re.ASCII)
_SECONDS_PER_UNIT = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def add_command(
    under: "Parsers", name: str, command: Command, summary: str, details: str = ""
) -> argparse.ArgumentParser:
    """Add a command that gets the service. Its `--help` shows the summary and the details."""
    # No abbreviations: `--password SECRET` must not be accepted as `--password-stdin`. Other users can read a command
    # line.
    description = f"{summary[:1].upper()}{summary[1:]}. {details}".strip()
    parser = under.add_parser(name, help=summary, description=description, allow_abbrev=False)

    def run(options: argparse.Namespace) -> int:
        with _open_service() as service:
            from cloudchat.admin.actor import COMMAND_LINE

            command(service, COMMAND_LINE, options)
        return 0

    parser.set_defaults(run=run)
    return parser


def parse_duration(text: str) -> int:
    """Return the seconds of `45s`, `30m`, `12h` or `7d`. For argparse: raises ArgumentTypeError."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!a} is not a duration; write 45s, 30m, 12h or 7d")
    return int(match[1]) * _SECONDS_PER_UNIT[match[2]]


@contextmanager
def _open_service() -> "Iterator[AdminService]":
    """Open the service on the database of the installation, upgraded to this version. Raises CommandError.

    It creates no installation: a command in the wrong directory would succeed on one that no server uses.
    """
    gc.disable()  # imports make many objects and no garbage: this saves a tenth of the command's time
    from cloudchat.admin.service import AdminService
    from cloudchat.auth.errors import AccountError
    from cloudchat.auth.keys.key_folder import KeyFolderError, key_files
    from cloudchat.auth.passwords.hashing import PasswordHasher
    from cloudchat.cli.installation import open_installation
    from cloudchat.database.engine import create_engine
    from cloudchat.database.migrations import MigrationError, revision_of, upgrade
    from cloudchat.database.transactions import Database, DatabaseUnavailable
    from cloudchat.database.urls import DatabaseUrlError

    gc.enable()
    settings = open_installation()
    keys = settings.state_dir / "keys"
    url = settings.database.get_secret_value()
    try:
        if revision_of(url) is None:
            raise CommandError("the database is empty: create its tables with `cloudchat serve` or `cloudchat init`")
        if not key_files(keys):
            raise CommandError(f"there are no signing keys in {keys}: start the server, or copy those of another one")
        upgrade(url)
        db = Database(create_engine(url))
        try:
            yield AdminService(db, partial(_sign_api_token, settings), PasswordHasher())
        finally:
            db.close()
    except DatabaseUnavailable as error:
        raise CommandError(
            f"{error}: check that it runs, that no other program locks it, and that its disk has space, then try again"
        ) from error
    except AccountError as error:
        hint = f"; {error.operator_hint}" if error.operator_hint else ""
        raise CommandError(f"{error}{hint}") from error
    except (DatabaseUrlError, KeyFolderError, MigrationError) as error:
        raise CommandError(str(error)) from error


def _sign_api_token(settings: "Settings", user_id: str, token_id: str, now: float, expires_at: int) -> str:
    """See `Tokens.issue_api`. Raises KeyFolderError."""
    from cloudchat.auth.keys.signing_keys import load_or_create
    from cloudchat.auth.tokens.access_tokens import Tokens

    ring = load_or_create(settings.state_dir / "keys")
    return Tokens(ring, access_seconds=settings.access_token_seconds).issue_api(user_id, token_id, now, expires_at)
