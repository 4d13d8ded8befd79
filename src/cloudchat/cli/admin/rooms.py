"""`cloudchat admin rooms …`: list, show, create and change rooms."""

import argparse
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from cloudchat.cli.admin.command import add_command
from cloudchat.cli.errors import CommandError
from cloudchat.core.timestamps import rfc3339

if TYPE_CHECKING:
    from cloudchat.admin.actor import Actor
    from cloudchat.admin.service import AdminService
    from cloudchat.cli.admin.command import Parsers
    from cloudchat.rooms.caller import Caller
    from cloudchat.rooms.updates import RoomUpdate

RoomCommand = Callable[["AdminService", "Caller", argparse.Namespace], None]
PAGE_SIZE = 500
ROOM_HELP = "the id of the room, or the name of a public one"
_EFFECT = "Open sockets and all servers follow within seconds. The members of the room see a notice."


def register_room_commands(under: "Parsers") -> None:
    """Add `rooms` and its commands."""
    rooms = under.add_parser(
        "rooms",
        help="list, show, create, rename, archive and restore rooms",
        description="Manage rooms. A public room can be named by its name, every room by its id, which `list` shows. "
        "Messages are not shown. The commands act as an owner of the room, and are recorded in the audit log.",
        allow_abbrev=False,
    )
    commands = rooms.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_room_command(
        commands,
        "list",
        list_rooms,
        "list all rooms, the oldest first, as tab-separated columns",
        "Direct rooms have no name.",
    )
    show = add_room_command(commands, "show", show_room, "show one room with its roles, mutes and bans")
    show.add_argument("room", metavar="ROOM", help=ROOM_HELP)
    create = add_room_command(
        commands,
        "create",
        create_room,
        "create a room; print only its id",
        "Without --private, every user can find the room and join it. Example: cloudchat admin rooms create "
        "'back office' --private --owner ada",
    )
    create.add_argument("name", help="up to 80 characters; names of public rooms are unique, without regard to case")
    create.add_argument("--owner", required=True, metavar="USER", help="the user who owns the room")
    create.add_argument("--private", action="store_true", help="only its owners can add members")
    create.add_argument("--topic", default="", help="one line, up to 250 characters")
    for name, command, argument, summary in (
        ("rename", rename_room, "name", "rename a room"),
        ("topic", set_topic, "topic", "set the topic of a room; an empty one removes it"),
    ):
        parser = add_room_command(commands, name, command, summary, _EFFECT)
        parser.add_argument("room", metavar="ROOM", help=ROOM_HELP)
        parser.add_argument(argument)
    slow = add_room_command(commands, "slow-mode", set_slow_mode, "set the time between two messages of one member")
    slow.add_argument("room", metavar="ROOM", help=ROOM_HELP)
    slow.add_argument("seconds", type=int, help="seconds, up to 21600; 0 switches it off; moderators are exempt")
    retention = add_room_command(
        commands,
        "retention",
        set_retention,
        "set after how many days the messages of a room are deleted",
        "Old messages disappear within an hour. The limit of the installation, CLOUDCHAT_RETENTION_DAYS, holds in any "
        "case: the shorter one counts.",
    )
    retention.add_argument("room", metavar="ROOM", help=ROOM_HELP)
    retention.add_argument("days", type=int, help="days; 0 removes the room's own limit")
    for name, command, summary in (
        ("archive", archive_room, "make a room read-only"),
        ("restore", restore_room, "let the members of an archived room write again"),
    ):
        parser = add_room_command(commands, name, command, summary, _EFFECT)
        parser.add_argument("room", metavar="ROOM", help=ROOM_HELP)


def add_room_command(
    under: "Parsers", name: str, command: RoomCommand, summary: str, details: str = ""
) -> argparse.ArgumentParser:
    """Add a command that acts in rooms as the command line."""

    def run(service: "AdminService", _actor: "Actor", options: argparse.Namespace) -> None:
        from cloudchat.rooms.caller import COMMAND_LINE

        command(service, COMMAND_LINE, options)

    return add_command(under, name, run, summary, details)


def list_rooms(service: "AdminService", caller: "Caller", options: argparse.Namespace) -> None:
    """Run `rooms list`."""
    print("id", "kind", "name", "members", "state", "created", "topic", sep="\t")
    after = None
    while page := service.rooms.list_all(after, PAGE_SIZE):
        for room in page:
            state = "archived" if room.archived_at is not None else "open"
            created = rfc3339(room.created_at)
            print(room.id, room.kind, room.name or "-", room.member_count, state, created, room.topic or "-", sep="\t")
        after = (page[-1].created_at, page[-1].id)


def show_room(service: "AdminService", caller: "Caller", options: argparse.Namespace) -> None:
    """Run `rooms show`."""
    from cloudchat.rooms.permissions import Role

    room, now = service.rooms.find(options.room), time.time()
    slow_mode = f"{room.slow_mode_seconds} s" if room.slow_mode_seconds else "off"
    archived = rfc3339(room.archived_at) if room.archived_at is not None else "no"
    for name, value in (
        ("id", room.id),
        ("kind", room.kind),
        ("name", room.name or "-"),
        ("topic", room.topic or "-"),
        ("members", room.member_count),
        ("archived", archived),
        ("slow mode", slow_mode),
        ("retention", f"{room.retention_days} days" if room.retention_days else "as the installation"),
        ("created", f"{rfc3339(room.created_at)} by {room.created_by}"),
    ):
        print(name, value, sep="\t")
    after = None
    while page := service.rooms.members.list(room.id, "", after, PAGE_SIZE, caller=caller):
        for member in page:
            if member.role != Role.MEMBER:
                print(member.role, member.name, sep="\t")
        after = page[-1].name_key
    if room.kind == "direct":
        return
    moderation = service.rooms.moderation
    for title, read in (("muted", moderation.muted_users), ("banned", moderation.banned_users)):
        after = None
        while users := read(room.id, after, PAGE_SIZE, caller=caller, now=now):
            for user in users:
                until = rfc3339(user.until) if user.until is not None else "no end"
                print(title, user.name, until, user.reason or "-", sep="\t")
            after = users[-1].name_key


def create_room(service: "AdminService", caller: "Caller", options: argparse.Namespace) -> None:
    """Run `rooms create`."""
    owner = service.users.find(options.owner)
    kind = "private" if options.private else "public"
    room = service.rooms.create(kind, options.name, options.topic, [], caller=caller, now=time.time(), owner_id=owner)
    print(room.id)


def rename_room(service: "AdminService", caller: "Caller", options: argparse.Namespace) -> None:
    """Run `rooms rename`."""
    from cloudchat.rooms.updates import RoomUpdate

    _update(service, caller, options.room, RoomUpdate(name=options.name))


def set_topic(service: "AdminService", caller: "Caller", options: argparse.Namespace) -> None:
    """Run `rooms topic`."""
    from cloudchat.rooms.updates import RoomUpdate

    _update(service, caller, options.room, RoomUpdate(topic=options.topic))


def set_slow_mode(service: "AdminService", caller: "Caller", options: argparse.Namespace) -> None:
    """Run `rooms slow-mode`."""
    from cloudchat.rooms.updates import RoomUpdate

    _update(service, caller, options.room, RoomUpdate(slow_mode_seconds=options.seconds))


def set_retention(service: "AdminService", caller: "Caller", options: argparse.Namespace) -> None:
    """Run `rooms retention`."""
    from cloudchat.rooms.updates import RoomUpdate

    _update(service, caller, options.room, RoomUpdate(retention_days=options.days))


def archive_room(service: "AdminService", caller: "Caller", options: argparse.Namespace) -> None:
    """Run `rooms archive`."""
    from cloudchat.rooms.updates import RoomUpdate

    _update(service, caller, options.room, RoomUpdate(archived=True))


def restore_room(service: "AdminService", caller: "Caller", options: argparse.Namespace) -> None:
    """Run `rooms restore`."""
    from cloudchat.rooms.updates import RoomUpdate

    _update(service, caller, options.room, RoomUpdate(archived=False))


def _update(service: "AdminService", caller: "Caller", name: str, update: "RoomUpdate") -> None:
    room = service.rooms.find(name)
    if room.kind == "direct":
        raise CommandError("a direct room has no name, topic, archive, slow mode or retention")
    service.rooms.update(room.id, update, caller=caller, now=time.time())
