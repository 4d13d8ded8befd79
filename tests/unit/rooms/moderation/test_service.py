"""`ModerationService`: mutes and bans, who may decide them, and that they end by themselves."""

import math

import pytest

from cloudchat.auth.errors import Conflict, InvalidField, NotFound, PermissionDenied
from support.chat_rooms import Rooms
from support.databases import on_both

pytestmark = on_both


@pytest.fixture
def room(rooms: Rooms) -> str:
    """A public room with the owner ann, the moderator bob and the member cid."""
    made = rooms.create("ann", "public", users="bob cid")
    rooms.put(made, "ann", "bob", "moderator")
    return made


def muted_until(rooms: Rooms, room: str, name: str) -> float | None:
    summary = rooms.of(name, room)
    assert summary is not None
    return summary.muted_until


def test_mute_has_an_end_and_stays_when_the_user_joins_again(rooms: Rooms, room: str) -> None:
    rooms.mute(room, "bob", "cid", 60, "loud")
    rooms.remove(room, "cid", "cid")
    rooms.put(room, "cid", "cid")
    assert muted_until(rooms, room, "cid") == rooms.now + 60
    rooms.mute(room, "bob", "cid")
    assert muted_until(rooms, room, "cid") == math.inf
    rooms.unmute(room, "ann", "cid")
    assert muted_until(rooms, room, "cid") is None
    with pytest.raises(NotFound):
        rooms.unmute(room, "ann", "cid")


def test_banned_user_is_out_and_cannot_come_back_before_the_end(rooms: Rooms, room: str) -> None:
    rooms.ban(room, "bob", "cid", 60)
    assert rooms.of("cid", room) is None
    with pytest.raises(PermissionDenied, match="banned"):
        rooms.put(room, "cid", "cid")
    with pytest.raises(Conflict, match="banned"):
        rooms.put(room, "ann", "cid")
    rooms.now += 59
    with pytest.raises(PermissionDenied):
        rooms.put(room, "cid", "cid")
    rooms.now += 1
    assert rooms.put(room, "cid", "cid") == "member"


def test_ban_without_an_end_is_lifted_by_a_moderator(rooms: Rooms, room: str) -> None:
    rooms.ban(room, "bob", "dan")  # who is not a member
    rooms.now += 1e9
    with pytest.raises(PermissionDenied, match="until a moderator"):
        rooms.put(room, "dan", "dan")
    rooms.unban(room, "ann", "dan")
    assert rooms.of("dan", room) is None
    assert rooms.put(room, "dan", "dan") == "member"
    with pytest.raises(NotFound):
        rooms.unban(room, "ann", "dan")


def test_moderators_act_on_lower_roles_only(rooms: Rooms, room: str) -> None:
    rooms.user("chief", "admin")
    rooms.put(room, "chief", "chief", "member")
    rooms.put(room, "ann", "dan", "moderator")
    for act in (rooms.mute, rooms.ban):
        for by, who in (("cid", "dan"), ("bob", "dan"), ("bob", "ann"), ("bob", "bob"), ("bob", "chief")):
            with pytest.raises(PermissionDenied):
                act(room, by, who)
    rooms.mute(room, "ann", "bob")
    with pytest.raises(PermissionDenied):
        rooms.unmute(room, "bob", "bob")
    with pytest.raises(NotFound):
        rooms.services.rooms.moderation.mute(room, "nothing", None, "", caller=rooms.caller("ann"), now=rooms.now)


def test_no_user_is_banned_from_the_lobby(rooms: Rooms) -> None:
    with pytest.raises(Conflict, match="lobby"):
        rooms.ban("lobby", "cli", "bob")
    rooms.mute("lobby", "cli", "bob", 5)
    assert muted_until(rooms, "lobby", "bob") == rooms.now + 5


@pytest.mark.parametrize("seconds", [0, -1, 366 * 86400 + 1])
def test_duration_is_bounded(rooms: Rooms, room: str, seconds: int) -> None:
    with pytest.raises(InvalidField) as refused:
        rooms.mute(room, "ann", "cid", seconds)
    assert refused.value.field == "seconds"


def test_reason_is_one_short_line(rooms: Rooms, room: str) -> None:
    for reason in ("a\nb", "x" * 201):
        with pytest.raises(InvalidField) as refused:
            rooms.ban(room, "ann", "cid", None, reason)
        assert refused.value.field == "reason"


def test_moderators_list_what_has_not_ended(rooms: Rooms, room: str) -> None:
    moderation = rooms.services.rooms.moderation
    rooms.mute(room, "bob", "cid", 60, "loud")
    rooms.ban(room, "ann", "dan", None, "spam")
    (muted,) = moderation.muted_users(room, None, 10, caller=rooms.caller("bob"), now=rooms.now)
    (banned,) = moderation.banned_users(room, None, 10, caller=rooms.caller("bob"), now=rooms.now)
    assert (muted.name, muted.until, muted.reason) == ("cid", rooms.now + 60, "loud")
    assert (banned.name, banned.until, banned.reason) == ("dan", None, "spam")
    assert moderation.banned_users(room, "dan", 10, caller=rooms.caller("bob"), now=rooms.now) == []
    assert moderation.muted_users(room, None, 10, caller=rooms.caller("bob"), now=rooms.now + 60) == []
    with pytest.raises(PermissionDenied):
        moderation.muted_users(room, None, 10, caller=rooms.caller("cid"), now=rooms.now)
    with pytest.raises(PermissionDenied):
        moderation.banned_users(room, None, 10, caller=rooms.caller("cid"), now=rooms.now)


def test_each_decision_raises_the_version_and_is_audited(rooms: Rooms, room: str) -> None:
    """Open sockets learn of it by the version."""
    version = rooms.version(room)
    rooms.mute(room, "bob", "cid", 60, "loud")
    rooms.unmute(room, "bob", "cid")
    rooms.ban(room, "bob", "cid", None, "loud")
    rooms.unban(room, "ann", "cid")
    assert rooms.version(room) == version + 4
    about_cid = [entry for entry in rooms.services.admin.audit_log(None, 50) if entry.target == rooms.ids["cid"]]
    assert {(entry.action, entry.actor) for entry in about_cid} >= {
        ("room.mute", rooms.ids["bob"]),
        ("room.unmute", rooms.ids["bob"]),
        ("room.ban", rooms.ids["bob"]),
        ("room.unban", rooms.ids["ann"]),
    }
