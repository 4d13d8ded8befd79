"""`cloudchat admin members …`, `mute`, `unmute`, `ban` and `unban`: the users of a room."""

import argparse
import time
from typing import TYPE_CHECKING

from cloudchat.cli.admin.command import parse_duration
from cloudchat.cli.admin.rooms import PAGE_SIZE, ROOM_HELP, add_room_command
from cloudchat.cli.errors import CommandError
from cloudchat.core.timestamps import rfc3339

if TYPE_CHECKING:
    from cloudchat.admin.service import AdminService
    from cloudchat.cli.admin.command import Parsers
    from cloudchat.rooms.caller import Caller

_ROLES = ("owner", "moderator", "member", "reader")
_EFFECT = "Open sockets and all servers follow within seconds."


def register_member_commands(under: "Parsers") -> None:
    """Add `members` and its commands, `mute`, `unmute`, `ban` and `unban`."""
    members = under.add_parser(
        "members",
        help="list, add and remove the members of a room, and change their roles",
        description="Manage the members of a room. An `owner` can do everything, a `moderator` can mute, ban, remove "
        "and delete, a `member` can write, a `reader` can only read. The people of a direct room never change.",
        allow_abbrev=False,
    )
    commands = members.add_subparsers(title="commands", metavar="COMMAND", required=True)
    listing = add_room_command(commands, "list", list_members, "list the members by name, as tab-separated columns")
    listing.add_argument("room", metavar="ROOM", help=ROOM_HELP)
    add = add_room_command(commands, "add", add_member, "add a user to a room", _EFFECT)
    _add_room_and_user(add)
    add.add_argument("--role", choices=_ROLES, default="member", help="default: member")
    remove = add_room_command(
        commands, "remove", remove_member, "remove a user from a room", f"{_EFFECT} To keep the user out, use `ban`."
    )
    _add_room_and_user(remove)
    role = add_room_command(
        commands,
        "role",
        set_role,
        "change the role of a member",
        f"{_EFFECT} The last owner of a private room keeps the role.",
    )
    _add_room_and_user(role)
    role.add_argument("role", choices=_ROLES)

    mute = add_room_command(under, "mute", mute_user, "let a user read a room and not write in it", _EFFECT)
    ban = add_room_command(
        under,
        "ban",
        ban_user,
        "remove a user from a room, and keep the user out of it",
        f"{_EFFECT} Example: cloudchat admin ban general eve --for 7d --reason advertising",
    )
    for parser in (mute, ban):
        _add_room_and_user(parser)
        parser.add_argument(
            "--for",
            dest="seconds",
            type=parse_duration,
            metavar="DURATION",
            help="how long: 45s, 30m, 12h or 7d, at most 366d; without it, until it is lifted",
        )
        parser.add_argument("--reason", default="", help="for moderators and the audit log, one line")
    _add_room_and_user(add_room_command(under, "unmute", unmute_user, "end the mute of a user in a room", _EFFECT))
    _add_room_and_user(
        add_room_command(
            under, "unban", unban_user, "lift the ban of a user from a room", "The user is not added again."
        )
    )


def list_members(service: "AdminService", caller: "Caller", options: argparse.Namespace) -> None:
    """Run `members list`."""
    room = service.rooms.find(options.room)
    print("name", "role", "joined", "id", sep="\t")
    after = None
    while page := service.rooms.members.list(room.id, "", after, PAGE_SIZE, caller=caller):
        for member in page:
            print(member.name, member.role, rfc3339(member.joined_at), member.id, sep="\t")
        after = page[-1].name_key


def add_member(service: "AdminService", caller: "Caller", options: argparse.Namespace) -> None:
    """Run `members add`."""
    _put(service, caller, options)


def set_role(service: "AdminService", caller: "Caller", options: argparse.Namespace) -> None:
    """Run `members role`."""
    _put(service, caller, options, of_member=True)


def remove_member(service: "AdminService", caller: "Caller", options: argparse.Namespace) -> None:
    """Run `members remove`."""
    room, user = _find(service, options)
    service.rooms.members.remove(room, user, caller=caller, now=time.time())


def mute_user(service: "AdminService", caller: "Caller", options: argparse.Namespace) -> None:
    """Run `mute`."""
    room, user = _find(service, options)
    moderation = service.rooms.moderation
    moderation.mute(room, user, options.seconds, options.reason, caller=caller, now=time.time())


def unmute_user(service: "AdminService", caller: "Caller", options: argparse.Namespace) -> None:
    """Run `unmute`."""
    room, user = _find(service, options)
    service.rooms.moderation.unmute(room, user, caller=caller, now=time.time())


def ban_user(service: "AdminService", caller: "Caller", options: argparse.Namespace) -> None:
    """Run `ban`."""
    room, user = _find(service, options)
    moderation = service.rooms.moderation
    moderation.ban(room, user, options.seconds, options.reason, caller=caller, now=time.time())


def unban_user(service: "AdminService", caller: "Caller", options: argparse.Namespace) -> None:
    """Run `unban`."""
    room, user = _find(service, options)
    service.rooms.moderation.unban(room, user, caller=caller, now=time.time())


def _add_room_and_user(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("room", metavar="ROOM", help=ROOM_HELP)
    parser.add_argument("user", metavar="USER", help="the name of the user")


def _find(service: "AdminService", options: argparse.Namespace) -> tuple[str, str]:
    """Return the ids of the room and the user. Raises NotFound."""
    return service.rooms.find(options.room).id, service.users.find(options.user)


def _put(service: "AdminService", caller: "Caller", options: argparse.Namespace, *, of_member: bool = False) -> None:
    room, user = _find(service, options)
    if of_member and service.rooms.membership(user, room) is None:
        raise CommandError(f"{options.user} is not a member of this room; use `cloudchat admin members add`")
    service.rooms.members.put(room, user, options.role, caller=caller, now=time.time())
