"""The work of each call is bounded in a room of 5,000 members, too."""

from collections.abc import Callable

import pytest
from sqlalchemy import insert, update

from cloudchat.core.ids import new_id
from cloudchat.database.tables import accounts as account_tables
from cloudchat.database.tables import rooms as room_tables
from cloudchat.rooms.updates import RoomUpdate
from cloudchat.users.service import UserDirectory
from support.account_services import NOW, AccountServices
from support.chat_rooms import Rooms
from support.sqlite_steps import StepCounter

MEMBERS = 5000
OTHERS = 5000
PAGE = 101
MAX_STEPS = 2000
MAX_STEPS_OF_PAGE = 12_000
"""For 101 members: about as many steps as without all the other members."""


@pytest.fixture
def counter(services: AccountServices) -> StepCounter:
    return StepCounter(services)


@pytest.fixture
def big(counter: StepCounter, rooms: Rooms) -> tuple[Rooms, str, list[str]]:
    """A room of ann with 5,000 members among 10,000 users, and the members' ids by name."""
    room = rooms.create("ann", "public", "big")
    ids = [new_id() for _ in range(MEMBERS + OTHERS)]
    people = [
        {"id": id, "name": f"u{at:05}", "name_key": f"u{at:05}", "role": "member", "created_at": NOW}
        for at, id in enumerate(ids)
    ]
    members = ids[::2]

    def members_of(room_id: str, user_ids: list[str]) -> list[dict[str, object]]:
        return [{"room_id": room_id, "user_id": id, "role": "member", "joined_at": NOW} for id in user_ids]

    with rooms.services.db.write() as db:
        db.execute(insert(account_tables.users), people)
        db.execute(insert(room_tables.memberships), [*members_of("lobby", ids), *members_of(room, members)])
        mutes = [{"room_id": room, "user_id": id, "reason": "", "created_by": "x", "created_at": NOW} for id in members]
        db.execute(insert(room_tables.room_mutes), mutes[:50])
        for room_id, number in (("lobby", len(ids)), (room, len(members))):
            table = room_tables.rooms
            db.execute(update(table).where(table.c.id == room_id).values(member_count=table.c.member_count + number))
    return rooms, room, members


def test_work_does_not_grow_with_the_room(counter: StepCounter, big: tuple[Rooms, str, list[str]]) -> None:
    rooms, room, members = big
    service, ann, now = rooms.services.rooms, rooms.caller("ann"), rooms.now
    page = service.members.list
    calls: dict[str, Callable[[], object]] = {
        "get": lambda: service.get(room, ann),
        "membership": lambda: service.membership(members[0], room),
        "rooms of a member": lambda: service.rooms_of(members[0]),
        "public rooms": lambda: service.find_public(ann, "", None, PAGE),
        "users": lambda: UserDirectory(rooms.services.db).find("u001", None, 20),
        "topic": lambda: service.update(room, RoomUpdate(topic="x"), caller=ann, now=now),
        "switch": lambda: service.update(room, RoomUpdate(muted=True), caller=ann, now=now),
        "archive": lambda: service.update(room, RoomUpdate(archived=True), caller=ann, now=now),
        "role": lambda: service.members.put(room, members[1], "moderator", caller=ann, now=now),
        "remove": lambda: service.members.remove(room, members[2], caller=ann, now=now),
        "join": lambda: service.members.put(room, rooms.ids["bob"], None, caller=rooms.caller("bob"), now=now),
        "add": lambda: service.members.put(room, members[2], None, caller=ann, now=now),
        "mute": lambda: service.moderation.mute(room, members[3], 60, "", caller=ann, now=now),
        "ban": lambda: service.moderation.ban(room, members[4], 60, "", caller=ann, now=now),
        "leave": lambda: service.members.remove(room, ann.user_id, caller=ann, now=now),
    }
    pages: dict[str, Callable[[], object]] = {
        "first page": lambda: page(room, "", None, PAGE, caller=ann),
        "middle page": lambda: page(room, "", "u05000", PAGE, caller=ann),
        "last page": lambda: page(room, "", "u09990", PAGE, caller=ann),
        "beginning": lambda: page(room, "u012", None, PAGE, caller=ann),
        "no match": lambda: page(room, "zz", None, PAGE, caller=ann),
        "lobby": lambda: page("lobby", "", None, PAGE, caller=ann),
        "mutes": lambda: service.moderation.muted_users(room, None, PAGE, caller=ann, now=now),
        "50 memberships": lambda: service.changes.memberships([(id, room) for id in members[:50]]),
    }
    steps = {name: counter.steps_of(call) for name, call in {**pages, **calls}.items()}
    too_many = {
        name: number for name, number in steps.items() if number > (MAX_STEPS_OF_PAGE if name in pages else MAX_STEPS)
    }
    assert too_many == {}, steps
