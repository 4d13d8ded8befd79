"""`RoomChanges`: what a process learns of changes, and the outbox of notices."""

import json

from support.chat_rooms import Rooms
from support.databases import on_both

pytestmark = on_both


def test_each_change_concerns_a_user_or_all_members(rooms: Rooms) -> None:
    changes = rooms.services.rooms.changes
    room = rooms.create("ann", "public", users="bob")
    started = rooms.now = rooms.now + 100
    rooms.update(room, "ann", topic="one", slow_mode_seconds=5)
    rooms.put(room, "cid", "cid")
    rooms.mute(room, "ann", "bob")
    rooms.update(room, "ann", muted=True)
    rooms.ban(room, "ann", "cid")
    expected = [("", 4), (rooms.ids["bob"], 6), (rooms.ids["ann"], 7), (rooms.ids["cid"], 8)]
    assert [(change.user_id, change.version) for change in changes.changes_since(started)] == expected
    assert [(change.user_id, change.version) for change in changes.changes_after(room, 6)] == expected[2:]
    assert changes.changes_since(started + 1) == []
    facts = changes.facts([room, "nothing"])
    assert list(facts) == [room]
    assert (facts[room].version, facts[room].member_count, facts[room].topic) == (8, 2, "one")
    summary = rooms.of("bob", room)
    assert summary is not None
    assert summary.with_facts(facts[room]) == summary


def test_notices_wait_in_the_order_of_their_versions(rooms: Rooms) -> None:
    changes = rooms.services.rooms.changes
    room = rooms.create("ann", "public", "office")
    rooms.put(room, "bob", "bob")
    rooms.put(room, "ann", "cid", "reader")
    rooms.put(room, "ann", "cid", "member")
    rooms.update(room, "ann", name="shop", topic="tea", archived=True)
    rooms.update(room, "ann", archived=False)
    rooms.remove(room, "ann", "cid")
    rooms.mute(room, "ann", "bob")  # has no notice
    rooms.ban(room, "ann", "bob")
    rooms.put(room, "cid", "cid")
    rooms.remove(room, "cid", "cid")
    ann, bob, cid = ({"id": rooms.ids[name], "name": name} for name in ("ann", "bob", "cid"))
    notices = changes.pending_notices(room)
    bodies = [json.loads(notice.body) for notice in notices]
    assert [{key: value for key, value in body.items() if key != "at"} for body in bodies] == [
        {"kind": "created", "user": ann, "value": "office"},
        {"kind": "joined", "user": bob},
        {"kind": "added", "user": ann, "target": cid, "value": "reader"},
        {"kind": "role", "user": ann, "target": cid, "value": "member"},
        {"kind": "renamed", "user": ann, "value": "shop"},
        {"kind": "topic", "user": ann, "value": "tea"},
        {"kind": "archived", "user": ann},
        {"kind": "restored", "user": ann},
        {"kind": "removed", "user": ann, "target": cid},
        {"kind": "removed", "user": ann, "target": bob},
        {"kind": "joined", "user": cid},
        {"kind": "left", "user": cid},
    ]
    assert {body["at"] for body in bodies} == {"2027-01-15T08:00:00.000Z"}
    assert [notice.version for notice in notices] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13]
    assert len({notice.cid for notice in notices}) == len(notices)
    assert notices == changes.pending_notices(room)


def test_appended_notice_leaves_the_outbox(rooms: Rooms) -> None:
    changes = rooms.services.rooms.changes
    room, other = rooms.create("ann", users="bob"), rooms.create("cid")
    changes.notice_appended(room, 1)
    changes.notice_appended(room, 1)  # by another process
    assert [(notice.room_id, notice.version) for notice in changes.pending_notices(room)] == [(room, 2)]
    assert {notice.room_id for notice in changes.pending_notices()} == {room, other}
    assert len(changes.pending_notices(limit=1)) == 1


def test_command_line_has_a_name_in_notices(rooms: Rooms) -> None:
    room = rooms.create("ann")
    rooms.update(room, "cli", name="shop")
    notice = json.loads(rooms.services.rooms.changes.pending_notices(room)[-1].body)
    assert notice["user"] == {"id": "cli", "name": "cloudchat"}


def test_listener_is_called_after_the_commit(rooms: Rooms) -> None:
    seen: list[tuple[str, int]] = []

    def changed(room_id: str, version: int) -> None:
        assert version == rooms.version(room_id)
        seen.append((room_id, version))

    rooms.services.rooms._rooms._changed = changed
    room = rooms.create("ann")
    rooms.update(room, "ann", name="shop")
    rooms.update(room, "ann", name="shop")
    direct, _ = rooms.direct("ann", "bob")
    rooms.direct("ann", "bob")
    assert seen == [(room, 1), (room, 2), (direct.id, 1)]
