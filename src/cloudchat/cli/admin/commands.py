"""`cloudchat admin …`: the parser of its commands. They use the database directly and do not need a running server."""

import argparse
from typing import TYPE_CHECKING

from cloudchat.cli.admin import tokens, users
from cloudchat.cli.admin.backup import register_backup_commands
from cloudchat.cli.admin.command import add_command, parse_duration
from cloudchat.cli.admin.personal_data import register_personal_data_commands
from cloudchat.cli.admin.room_members import register_member_commands
from cloudchat.cli.admin.room_transfer import register_transfer_commands
from cloudchat.cli.admin.rooms import register_room_commands

if TYPE_CHECKING:
    _Parsers = argparse._SubParsersAction[argparse.ArgumentParser]
_ROLES = ("member", "moderator", "admin")
_ROLES_METAVAR = f"{{{','.join(_ROLES)}}}"


def register_admin_commands(commands: "_Parsers") -> None:
    """Add `admin` and its commands to the parser."""
    admin = commands.add_parser(
        "admin",
        help="users, rooms, API tokens, invites, signing keys, the audit log, backups, export and import",
        description="Administer the server. The commands use the database directly, with or without a running server.",
    )
    under = admin.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _register_user_commands(under)
    register_personal_data_commands(under)
    register_room_commands(under)
    register_member_commands(under)
    _register_token_commands(under)
    audit = add_command(under, "audit", users.audit, "print the audit log, newest first, as tab-separated columns")
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
    register_transfer_commands(under)


def _register_user_commands(under: "_Parsers") -> None:
    create = add_command(under, "create-user", users.create, "create a user")
    create.add_argument("name")
    create.add_argument("--role", type=_role, metavar=_ROLES_METAVAR, default="member", help="default: member")
    create.add_argument(
        "--password-stdin", action="store_true", required=True, help="read the password from standard input"
    )
    add_command(under, "list-users", users.list_users, "list the users, as tab-separated columns")
    role = add_command(under, "set-role", users.set_role, "change a user's role")
    role.add_argument("name")
    role.add_argument("role", type=_role, metavar=_ROLES_METAVAR)
    for name, command, summary in (
        ("disable-user", users.disable, "disable a user: logins and tokens are rejected"),
        ("enable-user", users.enable, "enable a disabled user"),
        ("reset-password", users.reset_password, "set a one-time password for a user; print only the password"),
        ("reset-totp", users.reset_second_factor, "remove the lost second factor of a user"),
    ):
        add_command(under, name, command, summary).add_argument("name")


def _register_token_commands(under: "_Parsers") -> None:
    issue = add_command(under, "issue-token", tokens.issue, "issue an API token; print only the token")
    issue.add_argument("name")
    issue.add_argument("--scope", required=True, help="comma-separated: chat:read,chat:write,admin")
    issue.add_argument(
        "--ttl", type=parse_duration, required=True, help="time until it expires: 12h, 30d; at most 366d"
    )
    issue.add_argument("--label", default="", help="its purpose, shown by list-tokens")
    add_command(under, "list-tokens", tokens.list_tokens, "list the API tokens, as tab-separated columns")
    revoke = add_command(under, "revoke-token", tokens.revoke, "revoke an API token")
    revoke.add_argument("id", help="the id that list-tokens shows")
    invite = add_command(
        under,
        "create-invite",
        tokens.create_invite,
        "create an invite for one registration; print only the invite",
    )
    invite.add_argument(
        "--ttl", type=parse_duration, default=parse_duration("7d"), help="time until it expires (default 7d)"
    )
    invite.add_argument("--label", default="", help="whom it is for, shown by list-invites")
    add_command(under, "list-invites", tokens.list_invites, "list the invites, as tab-separated columns")
    delete = add_command(under, "delete-invite", tokens.delete_invite, "delete an invite")
    delete.add_argument("id", help="the id that list-invites shows")


def _role(text: str) -> str:
    if text not in _ROLES:
        raise argparse.ArgumentTypeError(f"a role is {', '.join(_ROLES[:-1])} or {_ROLES[-1]}, not {text!a}")
    return text
