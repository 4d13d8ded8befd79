"""`RoomService`: which rooms a user is in, how rooms are created and found, and what their owners change."""

import time
from functools import partial

import pytest
from sqlalchemy import insert, select

from cloudchat.auth.errors import Conflict, InvalidField, NotFound, PermissionDenied
from cloudchat.core.ids import new_id
from cloudchat.database.tables import rooms as room_tables
from cloudchat.database.tables.accounts import audit_log
from cloudchat.rooms.caller import COMMAND_LINE
from cloudchat.rooms.members.service import MAX_ROOMS_OF_USER
from cloudchat.rooms.updates import RoomUpdate
from support.account_services import NOW, AccountServices, concurrently
from support.chat_rooms import Rooms
from support.databases import on_both

pytestmark = on_both


def test_new_user_is_in_the_lobby(services: AccountServices) -> None:
    user_id = services.register()
    (lobby,) = services.rooms.rooms_of(user_id)
    assert (lobby.id, lobby.name, lobby.kind, lobby.role, lobby.read_seq) == ("lobby", "lobby", "public", "member", 0)
    assert (lobby.member_count, lobby.version) == (1, 1)


def test_rooms_are_listed_for_their_members_with_their_state(rooms: Rooms) -> None:
    rooms.now += 1e9  # after the creation of the lobby
    room = rooms.create("ann", users="bob")
    rooms.update(room, "bob", muted=True)
    rooms.mute(room, "ann", "bob", 60)
    with rooms.services.db.write() as db:
        read = insert(room_tables.read_positions)
        db.execute(read.values(user_id=rooms.ids["bob"], room_id=room, epoch="e1", seq=7))
    _, office = rooms.services.rooms.rooms_of(rooms.ids["bob"])
    assert (office.id, office.role, office.read_seq) == (room, "member", 7)
    assert (office.muted, office.muted_until, office.archived) == (True, rooms.now + 60, False)
    _, office = rooms.services.rooms.rooms_of(rooms.ids["ann"])
    assert (office.role, office.muted, office.muted_until, office.member_count) == ("owner", False, None, 2)
    assert [room.id for room in rooms.services.rooms.rooms_of(rooms.ids["cid"])] == ["lobby"]


def test_direct_room_lists_the_other_people(rooms: Rooms) -> None:
    made, is_new = rooms.direct("ann", "cid", "bob")
    assert is_new
    assert (made.kind, made.name, made.role) == ("direct", "", "member")
    assert [user.name for user in made.users] == ["bob", "cid"]
    seen_by_bob = rooms.of("bob", made.id)
    assert seen_by_bob is not None
    assert [user.name for user in seen_by_bob.users] == ["ann", "cid"]
    batch = rooms.services.rooms.changes.memberships([(rooms.ids[name], made.id) for name in ("ann", "bob", "dan")])
    assert batch == {(rooms.ids["ann"], made.id): made, (rooms.ids["bob"], made.id): seen_by_bob}


def test_same_people_get_the_same_direct_room_in_any_order(rooms: Rooms) -> None:
    first, is_new = rooms.direct("ann", "bob", "cid")
    again, is_new_again = rooms.direct("cid", "cid", "bob", "ann")
    assert (is_new, is_new_again, first.id) == (True, False, again.id)
    assert rooms.direct("ann", "bob")[0].id != first.id


def test_direct_room_opened_by_many_at_once_is_one_room(rooms: Rooms) -> None:
    names = iter(["ann", "bob"] * 4)
    opened = concurrently(8, lambda: rooms.direct(next(names), "ann", "bob"))
    assert {room.id for room, _ in opened} == {opened[0][0].id}
    assert sum(is_new for _, is_new in opened) == 1
    assert rooms.members(opened[0][0].id) == {"ann": "member", "bob": "member"}


def test_direct_room_has_two_to_eight_existing_people(rooms: Rooms) -> None:
    for number in range(6):
        rooms.user(f"user{number}")
    others = [rooms.user("user6"), rooms.ids["bob"], *(rooms.ids[f"user{number}"] for number in range(6))]
    open_direct = partial(rooms.services.rooms.open_direct, caller=rooms.caller("ann"), now=NOW)
    for users in ([], [rooms.ids["ann"]], others, ["nothing"], ["a\x00b"], ["\ud800"]):
        with pytest.raises(InvalidField) as refused:
            open_direct(users)
        assert refused.value.field == "users"
    assert len(open_direct(others[:7])[0].users) == 7
    rooms.disable("bob")
    with pytest.raises(InvalidField):
        open_direct([rooms.ids["bob"]])


def test_creator_is_the_owner_and_others_are_members(rooms: Rooms) -> None:
    room = rooms.create("ann", users="bob cid")
    assert rooms.members(room) == {"ann": "owner", "bob": "member", "cid": "member"}
    assert rooms.version(room) == 3
    made_by_operator = rooms.services.rooms.create(
        "private", "ops", "", [], caller=COMMAND_LINE, now=NOW, owner_id=rooms.ids["bob"]
    )
    assert rooms.members(made_by_operator.id) == {"bob": "owner"}


@pytest.mark.parametrize("taken", ["Straße", "STRASSE", " strasse ", "str\u200basse"])
def test_name_of_a_public_room_is_unique_without_regard_to_case(rooms: Rooms, taken: str) -> None:
    rooms.create("ann", "public", "Straße")
    other = rooms.create("bob", "public", "other")
    for attempt in (lambda: rooms.create("bob", "public", taken), lambda: rooms.update(other, "bob", name=taken)):
        with pytest.raises(Conflict) as refused:
            attempt()
        assert refused.value.field == "name"
    rooms.create("bob", "private", taken)


def test_of_many_rooms_with_one_name_one_is_created(rooms: Rooms) -> None:
    made = concurrently(4, lambda: rooms.create("ann", "public", "design"))
    assert sum(isinstance(result, str) for result in made) == 1
    assert sum(isinstance(result, Conflict) for result in made) == 3


def test_room_can_keep_its_own_name_in_another_case(rooms: Rooms) -> None:
    room = rooms.create("ann", "public", "design")
    assert rooms.update(room, "ann", name="Design").name == "Design"


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("name", ""),
        ("name", " \u200b "),
        ("name", "x" * 81),
        ("name", "a\nb"),
        ("name", "a\x00b"),
        ("name", "a\u202eb"),
        ("name", "\ud800"),
        ("topic", "x" * 251),
        ("topic", "a\nb"),
    ],
)
def test_invalid_text_is_refused(rooms: Rooms, field: str, text: str) -> None:
    room = rooms.create("ann")
    with pytest.raises(InvalidField) as refused:
        rooms.update(room, "ann", **{field: text})
    assert refused.value.field == field


def test_owner_changes_name_topic_archive_and_slow_mode(rooms: Rooms) -> None:
    room = rooms.create("ann", "public", "office")
    changed = rooms.update(room, "ann", name="  Back office ", topic="💼️ rents", slow_mode_seconds=30, archived=True)
    assert (changed.name, changed.topic, changed.slow_mode_seconds, changed.archived) == (
        *("Back office", "💼️ rents", 30),
        True,
    )
    assert changed.version == 5
    with pytest.raises(Conflict):
        rooms.update(room, "ann", topic="later")
    assert rooms.version(room) == 5
    restored = rooms.update(room, "ann", archived=False, topic="later")
    assert (restored.archived, restored.topic, restored.version) == (False, "later", 7)
    assert rooms.update(room, "ann", slow_mode_seconds=0).slow_mode_seconds == 0


def test_change_that_changes_nothing_has_no_version(rooms: Rooms) -> None:
    room = rooms.create("ann")
    rooms.update(room, "ann", name="office", topic="", archived=False, slow_mode_seconds=0, muted=False)
    assert rooms.put(room, "ann", "ann", "owner") == "owner"
    assert rooms.version(room) == 1


def test_only_owners_change_a_room(rooms: Rooms) -> None:
    room = rooms.create("ann", users="bob")
    rooms.put(room, "ann", "bob", "moderator")
    for change in ({"name": "x"}, {"topic": "x"}, {"archived": True}, {"slow_mode_seconds": 1}):
        with pytest.raises(PermissionDenied):
            rooms.update(room, "bob", **change)
        with pytest.raises(NotFound):
            rooms.update(room, "cid", **change)
    assert rooms.update(room, "bob", muted=True).muted
    direct, _ = rooms.direct("ann", "bob")
    with pytest.raises(PermissionDenied):
        rooms.update(direct.id, "ann", name="x")
    with pytest.raises(PermissionDenied):
        rooms.update(room, "bob", muted=False, name="x")
    summary = rooms.of("bob", room)
    assert summary is not None
    assert summary.muted, "all changes of a refused update are undone"


@pytest.mark.parametrize("seconds", [-1, 21601])
def test_slow_mode_is_bounded(rooms: Rooms, seconds: int) -> None:
    room = rooms.create("ann")
    with pytest.raises(InvalidField):
        rooms.update(room, "ann", slow_mode_seconds=seconds)


def test_room_that_cannot_be_seen_is_not_found(rooms: Rooms) -> None:
    private, (direct, _) = rooms.create("ann"), rooms.direct("ann", "bob")
    rooms.user("chief", "admin")
    for room in (private, direct.id, "nothing", "é"):
        for name in ("cid", "chief"):
            with pytest.raises(NotFound, match="no such room"):
                rooms.services.rooms.get(room, rooms.caller(name))
    public = rooms.create("ann", "public", "open")
    assert rooms.services.rooms.get(public, rooms.caller("cid")).role is None


def test_public_rooms_are_found_by_a_part_of_the_name(rooms: Rooms) -> None:
    for name in ("Garden", "garage", "50%", "closed garden"):
        rooms.create("ann", "public", name)
    rooms.create("ann", "private", "secret garden")
    closed = rooms.services.rooms.find_public(rooms.caller("bob"), "CLOSED", None, 10)[0]
    rooms.update(closed.id, "ann", archived=True)

    def found(part: str, after: str | None = None, limit: int = 10) -> list[str]:
        return [room.name for room in rooms.services.rooms.find_public(rooms.caller("bob"), part, after, limit)]

    assert found("GARD") == ["Garden"]
    assert found("%") == ["50%"]
    assert found("") == ["50%", "garage", "Garden", "lobby"]
    assert found("", after="garage", limit=1) == ["Garden"]
    assert found("a\x00b") == []
    listed = rooms.services.rooms.find_public(rooms.caller("bob"), "", None, 10)
    assert [(room.joined, room.member_count) for room in listed] == [(False, 1), (False, 1), (False, 1), (True, 4)]


def test_rooms_are_paged_without_a_double(rooms: Rooms) -> None:
    made = {rooms.create("ann", name=f"room {number}") for number in range(7)} | {"lobby"}
    seen: list[str] = []
    after = None
    while page := rooms.services.rooms.page_of(rooms.ids["ann"], after, 3):
        seen += [room.id for room in page]
        after = rooms.services.rooms.place_of(page[-1].id)
    assert (len(seen), set(seen)) == (8, made)
    listed = rooms.services.rooms.list_all(None, 100)
    assert {room.id for room in listed} == made


def test_operator_finds_a_room_by_id_and_a_public_one_by_name(rooms: Rooms) -> None:
    private, public = rooms.create("ann"), rooms.create("ann", "public", "Open")
    assert rooms.services.rooms.find(private).id == private
    assert rooms.services.rooms.find("OPEN").id == public
    with pytest.raises(NotFound, match="rooms list"):
        rooms.services.rooms.find("office")


def test_user_cannot_be_in_too_many_rooms(rooms: Rooms) -> None:
    with rooms.services.db.write() as db:
        ids = [new_id() for _ in range(MAX_ROOMS_OF_USER - 1)]
        room_row = {"name": "x", "kind": "private", "created_at": NOW}
        db.execute(insert(room_tables.rooms), [{"id": id, **room_row} for id in ids])
        member = {"user_id": rooms.ids["bob"], "role": "owner", "joined_at": NOW}
        db.execute(insert(room_tables.memberships), [{"room_id": id, **member} for id in ids])
    room = rooms.create("ann", "public", "open")
    for attempt in (
        lambda: rooms.put(room, "bob", "bob"),
        lambda: rooms.put(room, "ann", "bob"),
        lambda: rooms.create("bob"),
        lambda: rooms.create("ann", users="bob"),
        lambda: rooms.direct("ann", "bob"),
    ):
        with pytest.raises(Conflict, match="leave one"):
            attempt()


def test_change_is_audited_with_its_actor_and_address(rooms: Rooms) -> None:
    room = rooms.create("ann", users="bob")
    rooms.ban(room, "ann", "bob", 60, "spam")
    with rooms.services.db.read() as db:
        entries = db.execute(select(audit_log)).all()
    actions = {entry.action: entry for entry in entries}
    assert set(actions) == {"room.create", "room.member.add", "room.ban"}
    ban = actions["room.ban"]
    assert (ban.actor, ban.target, ban.address) == (rooms.ids["ann"], rooms.ids["bob"], "192.0.2.1")
    assert ban.detail.startswith(f"room={room} until=")
    assert ban.detail.endswith("reason='spam'")
    assert actions["room.create"].target == room


def test_refused_change_writes_nothing(rooms: Rooms) -> None:
    calls: list[str] = []
    rooms.services.rooms._rooms._changed = lambda room_id, _version: calls.append(room_id)
    room = rooms.create("ann", "public", "open")
    with pytest.raises(PermissionDenied):
        rooms.update(room, "bob", name="x")
    assert calls == [room]
    assert rooms.services.rooms.changes.pending_notices(room)[1:] == []


def test_rooms_of_a_user_with_500_rooms_are_loaded_by_two_queries(rooms: Rooms) -> None:
    from sqlalchemy import event

    ids = [new_id() for _ in range(500)]
    with rooms.services.db.write() as db:
        room = {"name": "", "kind": "direct", "created_at": NOW}
        db.execute(insert(room_tables.rooms), [{"id": id, "direct_key": id, **room} for id in ids])
        for name in ("ann", "bob"):
            member = {"user_id": rooms.ids[name], "role": "member", "joined_at": NOW}
            db.execute(insert(room_tables.memberships), [{"room_id": id, **member} for id in ids])
    statements: list[str] = []
    engine = rooms.services.db.engine
    event.listen(engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    started = time.process_time()
    loaded = rooms.services.rooms.rooms_of(rooms.ids["ann"])
    assert time.process_time() - started < 1
    assert len(loaded) == 501
    assert len([statement for statement in statements if statement.startswith("SELECT")]) == 2
    assert all([user.name for user in room.users] == ["bob"] for room in loaded if room.kind == "direct")


def test_update_needs_no_field(rooms: Rooms) -> None:
    room = rooms.create("ann")
    assert rooms.services.rooms.update(room, RoomUpdate(), caller=rooms.caller("ann"), now=NOW).id == room
