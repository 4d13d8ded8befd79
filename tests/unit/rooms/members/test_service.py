"""`MemberService`: joining, leaving, adding, removing, and roles."""

from collections.abc import Callable
from functools import partial

import pytest

from cloudchat.auth.errors import Conflict, InvalidField, NotFound, PermissionDenied
from support.account_services import concurrently
from support.chat_rooms import Rooms
from support.databases import on_both

pytestmark = on_both


def test_user_joins_and_leaves_a_public_room(rooms: Rooms) -> None:
    room = rooms.create("ann", "public")
    assert rooms.put(room, "bob", "bob") == "member"
    assert rooms.put(room, "bob", "bob") == "member"  # again
    assert rooms.members(room) == {"ann": "owner", "bob": "member"}
    summary = rooms.of("bob", room)
    assert summary is not None
    assert (summary.member_count, summary.version) == (2, 2)
    rooms.remove(room, "bob", "bob")
    assert rooms.of("bob", room) is None
    with pytest.raises(NotFound):
        rooms.remove(room, "bob", "bob")


@pytest.mark.parametrize("role", ["owner", "moderator", "reader"])
def test_user_who_joins_cannot_choose_another_role(rooms: Rooms, role: str) -> None:
    room = rooms.create("ann", "public")
    with pytest.raises(PermissionDenied):
        rooms.put(room, "bob", "bob", role)
    assert rooms.members(room) == {"ann": "owner"}


def test_private_room_is_entered_by_an_invitation_of_its_owners_only(rooms: Rooms) -> None:
    room = rooms.create("ann", users="bob")
    rooms.put(room, "ann", "bob", "moderator")
    with pytest.raises(NotFound):
        rooms.put(room, "cid", "cid")
    with pytest.raises(PermissionDenied):
        rooms.put(room, "bob", "cid")
    assert rooms.put(room, "ann", "cid", "reader") == "reader"
    rooms.disable("dan")
    with pytest.raises(NotFound):
        rooms.put(room, "ann", "dan")


def test_owner_changes_roles(rooms: Rooms) -> None:
    room = rooms.create("ann", users="bob")
    assert rooms.put(room, "ann", "bob", "owner") == "owner"
    assert rooms.put(room, "bob", "ann", "reader") == "reader"
    with pytest.raises(PermissionDenied):
        rooms.put(room, "ann", "ann", "owner")
    with pytest.raises(InvalidField):
        rooms.put(room, "bob", "ann", "visitor")


def test_a_request_without_an_effect_needs_the_permission_too(rooms: Rooms) -> None:
    room = rooms.create("ann", "public", users="bob cid")
    for by, role in (("dan", None), ("dan", "member"), ("cid", None), ("cid", "member")):
        with pytest.raises(PermissionDenied):
            rooms.put(room, by, "bob", role)
    assert rooms.put(room, "ann", "bob") == rooms.put(room, "bob", "bob") == "member"


def test_last_owner_of_a_private_room_with_others_stays(rooms: Rooms) -> None:
    room = rooms.create("ann", users="bob")
    for attempt in (
        lambda: rooms.remove(room, "ann", "ann"),
        lambda: rooms.remove(room, "cli", "ann"),
        lambda: rooms.put(room, "ann", "ann", "member"),
    ):
        with pytest.raises(Conflict, match="last owner"):
            attempt()
    rooms.put(room, "ann", "bob", "owner")
    rooms.remove(room, "ann", "ann")
    rooms.remove(room, "bob", "bob")  # without others, the last owner can leave
    assert rooms.members(room) == {}


def test_of_two_last_owners_who_leave_at_once_one_stays(rooms: Rooms) -> None:
    room = rooms.create("ann", users="bob cid")
    rooms.put(room, "ann", "bob", "owner")
    names = iter(["ann", "bob"])

    def leave() -> None:
        name = next(names)
        rooms.remove(room, name, name)

    left = concurrently(2, leave)
    assert left.count(None) == 1
    assert sum(isinstance(result, Conflict) for result in left) == 1
    assert sorted(rooms.members(room).values()) == ["member", "owner"]


def test_public_room_can_be_without_an_owner(rooms: Rooms) -> None:
    room = rooms.create("ann", "public")
    rooms.put(room, "bob", "bob")
    rooms.remove(room, "ann", "ann")
    assert rooms.members(room) == {"bob": "member"}


def test_members_of_a_lower_role_are_removed(rooms: Rooms) -> None:
    room = rooms.create("ann", "public", users="bob cid dan")
    for name in ("bob", "cid"):
        rooms.put(room, "ann", name, "moderator")
    for name in ("ann", "cid"):
        with pytest.raises(PermissionDenied):
            rooms.remove(room, "bob", name)
    with pytest.raises(PermissionDenied):
        rooms.remove(room, "dan", "bob")
    rooms.remove(room, "bob", "dan")
    rooms.put(room, "ann", "cid", "owner")
    rooms.remove(room, "ann", "cid")
    assert rooms.members(room) == {"ann": "owner", "bob": "moderator"}
    with pytest.raises(NotFound):
        rooms.remove(room, "ann", "cid")


def test_the_lobby_cannot_be_left(rooms: Rooms) -> None:
    for by in ("ann", "cli"):
        with pytest.raises(Conflict, match="lobby"):
            rooms.remove("lobby", by, "ann")
    assert set(rooms.members("lobby")) == {"ann", "bob", "cid", "dan"}


def test_people_of_a_direct_room_never_change(rooms: Rooms) -> None:
    room, _ = rooms.direct("ann", "bob")
    rooms.user("chief", "admin")
    attempts: list[Callable[[], object]] = [
        partial(rooms.remove, room.id, "ann", "ann"),
        partial(rooms.remove, room.id, "ann", "bob"),
        partial(rooms.put, room.id, "ann", "cid"),
        partial(rooms.put, room.id, "ann", "ann", "owner"),
        partial(rooms.ban, room.id, "cli", "ann"),
    ]
    for attempt in attempts:
        with pytest.raises(PermissionDenied):
            attempt()
    with pytest.raises(NotFound):
        rooms.put(room.id, "chief", "chief", "owner")
    assert rooms.members(room.id) == {"ann": "member", "bob": "member"}


def test_server_roles_act_in_public_rooms(rooms: Rooms) -> None:
    rooms.user("chief", "admin")
    rooms.user("guard", "moderator")
    room = rooms.create("ann", "public", users="bob")
    assert rooms.update(room, "chief", topic="by an administrator").topic
    assert rooms.put(room, "chief", "bob", "moderator") == "moderator"
    with pytest.raises(PermissionDenied):
        rooms.remove(room, "guard", "bob")  # a moderator, too
    rooms.put(room, "guard", "cid")
    rooms.remove(room, "guard", "cid")
    rooms.put(room, "chief", "chief", "owner")
    rooms.put(room, "guard", "guard")
    with pytest.raises(PermissionDenied):
        rooms.remove(room, "bob", "guard")


def test_administrator_takes_ownership_of_a_private_room_with_a_notice(rooms: Rooms) -> None:
    rooms.user("chief", "admin")
    rooms.user("guard", "moderator")
    room = rooms.create("ann")
    for name, role in (("guard", "owner"), ("chief", "member"), ("chief", None), ("bob", "owner")):
        with pytest.raises(NotFound):
            rooms.put(room, name, name, role)
    assert rooms.put(room, "chief", "chief", "owner") == "owner"
    notice = rooms.services.rooms.changes.pending_notices(room)[-1]
    assert b'"kind":"role"' in notice.body
    assert b'"value":"owner"' in notice.body
    assert rooms.members(room) == {"ann": "owner", "chief": "owner"}
    (entry, *_) = [e for e in rooms.services.admin.audit_log(None, 10) if e.action == "room.take_ownership"]
    assert (entry.actor_name, entry.detail) == ("chief", f"room={room}")


def test_members_are_listed_by_name_in_pages_and_by_their_beginning(rooms: Rooms) -> None:
    rooms.user("Anna")
    rooms.user("étienne")
    room = rooms.create("ann", "public", users="bob cid dan Anna étienne")

    def listed(beginning: str = "", after: str | None = None, limit: int = 10) -> list[str]:
        found = rooms.services.rooms.members.list(room, beginning, after, limit, caller=rooms.caller("ann"))
        return [member.name for member in found]

    assert listed() == ["ann", "Anna", "bob", "cid", "dan", "étienne"]
    assert listed("AN") == ["ann", "Anna"]
    assert listed("ÉT") == ["étienne"]
    assert listed(after="anna", limit=2) == ["bob", "cid"]
    assert listed("%") == []
    assert listed("a\x00") == []
    rooms.remove(room, "cid", "cid")
    with pytest.raises(PermissionDenied):
        rooms.services.rooms.members.list(room, "", None, 10, caller=rooms.caller("cid"))


def test_concurrent_joins_are_all_counted(rooms: Rooms) -> None:
    room = rooms.create("ann", "public")
    names = [f"user{number}" for number in range(8)]
    for name in names:
        rooms.user(name)
    joining = iter(names)

    def join() -> None:
        name = next(joining)
        rooms.put(room, name, name)

    assert concurrently(8, join) == [None] * 8
    summary = rooms.of("ann", room)
    assert summary is not None
    assert (summary.member_count, summary.version) == (9, 9)
    assert len(rooms.members(room)) == 9
