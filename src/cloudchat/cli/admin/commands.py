"""`cloudchat admin …`: the parser of its commands. They use the database directly and do not need a running server."""

import argparse
import gc
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cloudchat.cli.admin import tokens, users
from cloudchat.cli.admin.backup import register_backup_commands
from cloudchat.cli.errors import CommandError

if TYPE_CHECKING:
    from cloudchat.admin.actor import Actor
    from cloudchat.admin.service import AdminService

_Command = Callable[["AdminService", "Actor", argparse.Namespace], None]
if TYPE_CHECKING:
    _Parsers = argparse._SubParsersAction[argparse.ArgumentParser]
_ROLES = ("member", "moderator", "admin")
_OFFERED_ROLES = ("member", "admin")  # a moderator can do what a member can, until there are rooms to moderate
_ROLES_METAVAR = f"{{{','.join(_OFFERED_ROLES)}}}"
_DURATION = re.compile(r"([1-9][0-9]{0,7})([smhd])", re.ASCII)
_SECONDS_PER_UNIT = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def register_admin_commands(commands: "_Parsers") -> None:
    """Add `admin` and its commands to the parser."""
    admin = commands.add_parser(
        "admin",
        help="users, API tokens, invites, signing keys, the audit log, backups",
        description="Administer the server. The commands use the database directly, with or without a running server.",
    )
    under = admin.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _register_user_commands(under)
    _register_token_commands(under)
    audit = _add(under, "audit", users.audit, "print the audit log, newest first, as tab-separated columns")
    audit.add_argument("--limit", type=int, default=100, help="number of entries (default 100)")
    audit.add_argument("--before", metavar="ID", help="print only entries older than this one")

    rotate = under.add_parser(
        "rotate-keys",
        help="sign tokens with a new key from now on",
        description="Create a new signing key. Running servers use it within seconds. Older tokens stay valid "
        "until they expire; then their key is deleted.",
        allow_abbrev=False,
    )
    rotate.add_argument(
        "--forget-old",
        action="store_true",
        help="after the theft of a key: delete the old keys, which makes all tokens invalid",
    )
    rotate.set_defaults(run=tokens.rotate_keys)
    register_backup_commands(under)


def _register_user_commands(under: "_Parsers") -> None:
    create = _add(under, "create-user", users.create, "create a user")
    create.add_argument("name")
    create.add_argument("--role", type=_role, metavar=_ROLES_METAVAR, default="member", help="default: member")
    create.add_argument(
        "--password-stdin", action="store_true", required=True, help="read the password from standard input"
    )
    _add(under, "list-users", users.list_users, "list the users, as tab-separated columns")
    role = _add(under, "set-role", users.set_role, "change a user's role")
    role.add_argument("name")
    role.add_argument("role", type=_role, metavar=_ROLES_METAVAR)
    for name, command, summary in (
        ("disable-user", users.disable, "disable a user: logins and tokens are rejected"),
        ("enable-user", users.enable, "enable a disabled user"),
        ("reset-password", users.reset_password, "set a one-time password for a user; print only the password"),
        ("reset-totp", users.reset_second_factor, "remove the lost second factor of a user"),
    ):
        _add(under, name, command, summary).add_argument("name")


def _register_token_commands(under: "_Parsers") -> None:
    issue = _add(under, "issue-token", tokens.issue, "issue an API token; print only the token")
    issue.add_argument("name")
    issue.add_argument("--scope", required=True, help="comma-separated: chat:read,chat:write,admin")
    issue.add_argument(
        "--ttl", type=_parse_duration, required=True, help="time until it expires: 12h, 30d; at most 366d"
    )
    issue.add_argument("--label", default="", help="its purpose, shown by list-tokens")
    _add(under, "list-tokens", tokens.list_tokens, "list the API tokens, as tab-separated columns")
    revoke = _add(under, "revoke-token", tokens.revoke, "revoke an API token")
    revoke.add_argument("id", help="the id that list-tokens shows")
    invite = _add(
        under,
        "create-invite",
        tokens.create_invite,
        "create an invite for one registration; print only the invite",
    )
    invite.add_argument(
        "--ttl", type=_parse_duration, default=_parse_duration("7d"), help="time until it expires (default 7d)"
    )
    _add(under, "list-invites", tokens.list_invites, "list the invites, as tab-separated columns")
    delete = _add(under, "delete-invite", tokens.delete_invite, "delete an invite")
    delete.add_argument("id", help="the id that list-invites shows")


def _role(text: str) -> str:
    if text not in _ROLES:
        raise argparse.ArgumentTypeError(f"a role is {' or '.join(_OFFERED_ROLES)}, not {text!a}")
    return text


def _add(under: "_Parsers", name: str, command: _Command, summary: str) -> argparse.ArgumentParser:
    # No abbreviations: `--password SECRET` must not be accepted as `--password-stdin`. Other users can read a command
    # line.
    parser = under.add_parser(
        name, help=summary, description=summary[:1].upper() + summary[1:] + ".", allow_abbrev=False
    )

    def run(options: argparse.Namespace) -> int:
        with _service() as service:
            from cloudchat.admin.actor import COMMAND_LINE

            command(service, COMMAND_LINE, options)
        return 0

    parser.set_defaults(run=run)
    return parser


@contextmanager
def _service() -> "Iterator[AdminService]":
    """Open the service on the database of the installation, upgraded to this version. Raises CommandError.

    It creates no installation: a command in the wrong directory would succeed on one that no server uses.
    """
    gc.disable()  # imports make many objects and no garbage: this saves a tenth of the command's time
    from cloudchat.admin.service import AdminService
    from cloudchat.auth.errors import AccountError
    from cloudchat.auth.key_folder import KeyFolderError
    from cloudchat.auth.passwords.hashing import PasswordHasher
    from cloudchat.auth.tokens.access_tokens import Tokens
    from cloudchat.auth.tokens.keys import key_files, load_or_create
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
        tokens = Tokens(load_or_create(keys), access_seconds=settings.access_token_seconds)
        db = Database(create_engine(url))
        try:
            yield AdminService(db, tokens, PasswordHasher())
        finally:
            db.close()
    except DatabaseUnavailable as error:
        raise CommandError(
            "the database does not answer: check that it runs and that no other program locks it, then try again"
        ) from error
    except (AccountError, DatabaseUrlError, KeyFolderError, MigrationError) as error:
        raise CommandError(str(error)) from error


def _parse_duration(text: str) -> int:
    """Return the seconds of `45s`, `30m`, `12h` or `7d`. For argparse: raises ArgumentTypeError."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!a} is not a duration; write 45s, 30m, 12h or 7d")
    return int(match[1]) * _SECONDS_PER_UNIT[match[2]]
