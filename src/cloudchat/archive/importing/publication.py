"""Make an imported room visible: its name, then its members. Open sockets of the members follow within seconds."""

import time
from collections.abc import Iterator, Mapping, Sequence

from cloudchat.archive.importing import repository
from cloudchat.archive.importing.report import ImportReport
from cloudchat.archive.importing.source import SourceRoom
from cloudchat.auth.errors import Conflict
from cloudchat.core.stream_position import StreamPosition
from cloudchat.database.transactions import Database
from cloudchat.rooms.caller import COMMAND_LINE
from cloudchat.rooms.members.service import demand_room_for_another
from cloudchat.rooms.names import name_key, numbered_name, usable_name
from cloudchat.rooms.permissions import Kind, Role
from cloudchat.rooms.service import MAX_DIRECT_USERS, MIN_DIRECT_USERS, direct_key
from cloudchat.rooms.transaction import RoomDatabase

MEMBERS_PER_TRANSACTION = 50
_MAX_NUMBER = 1000


def publish_room(
    db: Database,
    room_id: str,
    room: SourceRoom,
    head: StreamPosition,
    members: Mapping[str, str],
    report: ImportReport,
) -> None:
    """Give a filled room its name and its members. `members` are roles by user id. Can be repeated."""
    changes = RoomDatabase(db, lambda _room, _version: None)
    now = time.time()
    if room.kind == Kind.PUBLIC:
        _name_public_room(changes, room_id, room, report, now)
    elif room.kind == Kind.DIRECT:
        _open_direct_room(changes, room_id, room, sorted(members), report, now)
    for number, part in enumerate(_parts(list(members), MEMBERS_PER_TRANSACTION)):
        with changes.change(room_id, COMMAND_LINE, now) as change:
            known = repository.member_ids(change.db, room_id, part)
            users = repository.users_by_id(change.db, [user_id for user_id in part if user_id not in known])
            added = []
            for user in users.values():
                try:
                    demand_room_for_another(change.db, user)
                except Conflict:
                    report.add("members are in too many rooms, and were not added", f"{user.name} ({room.name})")
                    continue
                # The people of a direct room have the same rights, also when it became a private one.
                was_direct = room.kind == Kind.DIRECT and change.room.kind == Kind.PRIVATE
                change.add_member(user, Role.OWNER if was_direct else members[user.id])
                added.append(user.id)
            repository.mark_read(change.db, room_id, added, head)
            detail = f"source={room.source} {room.source_id} members={len(members)}"
            change.record("room.import", detail=detail, audited=number == 0)
    if room.kind != Kind.DIRECT and Role.OWNER not in members.values():
        report.add(
            "rooms have no owner; use `cloudchat admin members role`, or import with --owner", room.name or room_id
        )


def _name_public_room(changes: RoomDatabase, room_id: str, room: SourceRoom, report: ImportReport, now: float) -> None:
    """Give a public room the first name that no other one has."""
    for number in range(1, _MAX_NUMBER):
        name = numbered_name(usable_name(room.name), number)
        try:
            with changes.change(room_id, COMMAND_LINE, now) as change:
                if change.room.name_key is None:
                    change.room = change.room._replace(name=name, name_key=name_key(name))
                    change.record("room.import", detail=f"source={room.source} {room.source_id} name={name!r}")
        except Conflict:
            continue
        if name != room.name:
            report.add("rooms have another name here", f"{room.name} → {name}")
        return


def _open_direct_room(
    changes: RoomDatabase, room_id: str, room: SourceRoom, people: Sequence[str], report: ImportReport, now: float
) -> None:
    """Make the room the direct room of its people. If they have one, or are too few or too many, it becomes private."""
    with changes.change(room_id, COMMAND_LINE, now) as change:
        key = direct_key(people)
        possible = MIN_DIRECT_USERS <= len(people) <= MAX_DIRECT_USERS
        if change.room.kind != Kind.DIRECT or change.room.direct_key is not None:
            return
        if possible and not repository.direct_room_exists(change.db, key):
            change.room = change.room._replace(direct_key=key)
        else:
            names = ", ".join(sorted(user.name for user, _ in room.members)) or room.source_id
            change.room = change.room._replace(kind=Kind.PRIVATE, name=usable_name(f"Direct: {names}"))
            reason = "their people have one here" if possible else "a direct room has 2 to 8 people"
            report.add(f"direct rooms became private rooms, because {reason}", names)
        change.record("room.import", detail=f"source={room.source} {room.source_id}")


def _parts(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (ids[start : start + size] for start in range(0, max(len(ids), 1), size))  # at least one part
