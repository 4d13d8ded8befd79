"""Unread messages in the archive are counted for many rooms by one statement."""

from sqlalchemy import event

from cloudchat.archive.unread.repository import ArchivedUnread, UnreadRange, count_unread
from support.account_services import NOW
from support.archived_rooms import ArchivedRoom
from support.chat_rooms import Rooms
from support.databases import on_both

pytestmark = on_both


def test_messages_of_others_count_and_those_that_mention_the_user(rooms: Rooms) -> None:
    ann, bob, cid = (rooms.ids[name] for name in ("ann", "bob", "cid"))
    room = ArchivedRoom(rooms.services.db, rooms.create("ann"))
    room.add(10, NOW + 10, ann, "before the range", mentions=[bob])
    room.add(11, NOW + 11, ann)
    room.add(12, NOW + 12, bob, "my own")
    room.add(13, NOW + 13, ann, "", deleted_at="2026-11-28T12:00:00.000Z")
    room.add(14, NOW + 14, ann, kind="topic", value="a notice")
    room.add(20, NOW + 20, ann, mentions=[cid, bob])
    room.add(21, NOW + 21, ann, mentions=[cid])
    room.add(22, NOW + 22, ann, "of the room", mentions_room=True)
    room.add(23, NOW + 23, ann, f'"mentions":["{bob}"], "mentions_room":true', reply_to=11)
    room.add(30, NOW + 30, ann, "after the range", mentions=[bob])
    with rooms.services.db.read() as db:
        found = count_unread(db, bob, [UnreadRange(room.id, 11, 30)])
    assert found == {room.id: ArchivedUnread(messages=5, mentions=2)}


def test_many_rooms_are_one_statement(rooms: Rooms) -> None:
    ann, bob = rooms.ids["ann"], rooms.ids["bob"]
    ids = [rooms.create("ann", name=f"room {number}") for number in range(12)]
    for number, room_id in enumerate(ids):
        for seq in range(1, number + 1):
            ArchivedRoom(rooms.services.db, room_id).add(seq, NOW + 60 * number + seq, ann)
    statements: list[str] = []
    with rooms.services.db.read() as db:
        event.listen(db, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
        found = count_unread(db, bob, [UnreadRange(room_id, 3, 2**40) for room_id in ids])
    assert found == {room_id: ArchivedUnread(number - 2, 0) for number, room_id in enumerate(ids) if number > 2}
    assert len(statements) == 1
