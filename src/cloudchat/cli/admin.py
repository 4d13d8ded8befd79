"""`cloudchat admin …`: works on the database itself, whether the server runs or not."""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cloudchat.cli.duration import duration
from cloudchat.cli.refusal import Refusal

if TYPE_CHECKING:
    from cloudchat.admin.service import AdminService

_BY_CLI = "cli"
_Command = Callable[["AdminService", argparse.Namespace], None]


def register_admin_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `admin` and its commands to the command line."""
    admin = commands.add_parser(
        "admin",
        help="users, API tokens and invites",
        description="Users, API tokens and invites. Works on the database, whether the server runs or not.",
    )
    under = admin.add_subparsers(title="commands", metavar="COMMAND", required=True)

    create = _add(under, "create-user", _create_user, "create a user")
    create.add_argument("name")
    create.add_argument("--role", choices=("member", "moderator", "admin"), default="member")
    create.add_argument(
        "--password-stdin", action="store_true", required=True, help="read the password from standard input"
    )

    issue = _add(under, "issue-token", _issue_token, "issue an API token; prints the token and nothing else")
    issue.add_argument("name")
    issue.add_argument("--scope", required=True, help="comma-separated: chat:read,chat:write,admin")
    issue.add_argument("--ttl", type=duration, required=True, help="how long it is good for: 12h, 30d, 366d at most")
    issue.add_argument("--label", default="", help="what it is for, to recognise it by in list-tokens")

    _add(under, "list-tokens", _list_tokens, "list the API tokens, as tab-separated columns")

    revoke = _add(under, "revoke-token", _revoke_token, "revoke an API token")
    revoke.add_argument("id", help="as list-tokens shows it")

    disable = _add(under, "disable-user", _disable_user, "disable a user: no login, no token is good any more")
    disable.add_argument("name")

    enable = _add(under, "enable-user", _enable_user, "enable a disabled user again")
    enable.add_argument("name")

    invite = _add(under, "create-invite", _create_invite, "make an invite for one registration; prints it alone")
    invite.add_argument("--ttl", type=duration, default=duration("7d"), help="how long it is good for (default 7d)")


def _add(
    under: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, command: _Command, summary: str
) -> argparse.ArgumentParser:
    # Unabbreviated: `--password SECRET` must not pass for `--password-stdin`, and teach secrets on command lines.
    parser = under.add_parser(
        name, help=summary, description=summary[:1].upper() + summary[1:] + ".", allow_abbrev=False
    )

    def run(options: argparse.Namespace) -> int:
        with _service() as service:
            command(service, options)
        return 0

    parser.set_defaults(run=run)
    return parser


@contextmanager
def _service() -> "Iterator[AdminService]":
    """The service on this state's database, which is made if there is none. Raises Refusal.

    It never makes the first administrator: their password would be shown to nobody.
    """
    from cloudchat.admin.service import AdminService
    from cloudchat.auth.errors import AccountError
    from cloudchat.auth.keys import KeyFolderError, load_or_create
    from cloudchat.auth.passwords import Passwords
    from cloudchat.auth.tokens import Tokens
    from cloudchat.cli.environment import load_settings
    from cloudchat.cli.state_folder import prepare_state_folder
    from cloudchat.database.engine import DatabaseUrlError, create_engine
    from cloudchat.database.migrations import MigrationError, upgrade
    from cloudchat.database.transactions import Database, DatabaseUnavailable

    settings = load_settings()
    folder = prepare_state_folder(settings.state_dir)
    url = settings.database.get_secret_value()
    try:
        upgrade(url)
        tokens = Tokens(load_or_create(folder / "keys"), access_seconds=settings.access_token_seconds)
        db = Database(create_engine(url))
        try:
            yield AdminService(db, tokens, Passwords())
        finally:
            db.close()
    except DatabaseUnavailable as error:
        raise Refusal("the database does not answer; is another program holding it? Try again") from error
    except (AccountError, DatabaseUrlError, KeyFolderError, MigrationError) as error:
        raise Refusal(str(error)) from error


def _create_user(service: "AdminService", options: argparse.Namespace) -> None:
    password = sys.stdin.readline().removesuffix("\n").removesuffix("\r")
    if not password:
        raise Refusal("no password came; pipe one line into standard input")
    service.create_user(options.name, password, options.role, actor=_BY_CLI, now=time.time())


def _issue_token(service: "AdminService", options: argparse.Namespace) -> None:
    scopes = {scope.strip() for scope in options.scope.split(",") if scope.strip()}
    print(service.issue_token(options.name, scopes, options.ttl, label=options.label, actor=_BY_CLI, now=time.time()))


def _list_tokens(service: "AdminService", options: argparse.Namespace) -> None:
    print("id", "user", "scopes", "expires", "state", "label", sep="\t")
    now = time.time()
    for token in service.list_tokens():
        expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(token.expires_at))
        state = "revoked" if token.revoked_at is not None else "expired" if token.expires_at <= now else "good"
        print(token.id, token.username, token.scopes.replace(" ", ","), expires, state, token.label, sep="\t")


def _revoke_token(service: "AdminService", options: argparse.Namespace) -> None:
    service.revoke_token(options.id, actor=_BY_CLI, now=time.time())


def _disable_user(service: "AdminService", options: argparse.Namespace) -> None:
    service.disable_user(options.name, actor=_BY_CLI, now=time.time())


def _enable_user(service: "AdminService", options: argparse.Namespace) -> None:
    service.enable_user(options.name, actor=_BY_CLI, now=time.time())


def _create_invite(service: "AdminService", options: argparse.Namespace) -> None:
    print(service.create_invite(options.ttl, actor=_BY_CLI, now=time.time()))
