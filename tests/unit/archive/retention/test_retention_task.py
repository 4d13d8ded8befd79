"""`Retention`: what is too old is deleted from the hot log and from the archive."""

import asyncio
from typing import Any, cast

import pytest

from cloudchat.archive.retention.retention_task import MAX_EVENTS_PER_TRANSACTION, Retention
from cloudchat.auth.errors import InvalidField, PermissionDenied
from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.rooms.updates import RoomUpdate
from support.account_services import NOW
from support.archived_rooms import ArchivedRoom
from support.chat_rooms import Rooms
from support.databases import on_both

pytestmark = on_both
DAY = 86400.0


class HotLog:
    """Records how far the logs were trimmed."""

    def __init__(self) -> None:
        self.trimmed: dict[str, int] = {}
        self.unavailable = False

    async def trim_before(self, room: str, seq: int) -> None:
        if self.unavailable:
            raise BrokerUnavailable("the store is away")
        self.trimmed[room] = seq


def run(rooms: Rooms, hot_log: HotLog, installation_days: int) -> int:
    async def no_pause(_seconds: float) -> None:
        pass

    retention = Retention(rooms.services.db, cast(Any, hot_log), installation_days, no_pause)
    return asyncio.run(retention.delete_expired(NOW))


def room_with_messages(rooms: Rooms, *ages_in_days: float) -> ArchivedRoom:
    room = ArchivedRoom(rooms.services.db, rooms.create("ann"))
    for seq, days in enumerate(ages_in_days, 1):
        room.add(seq * 10, NOW - days * DAY, rooms.ids["ann"])
    return room


def test_old_messages_are_deleted_with_reactions_and_earlier_texts(rooms: Rooms) -> None:
    room, hot_log = room_with_messages(rooms, 40, 31, 29, 1), HotLog()
    for seq in (10, 30):
        room.react(seq, rooms.ids["bob"])
        room.add_earlier_text(seq, NOW - 40 * DAY, "before")
    assert run(rooms, hot_log, 30) == 2
    assert list(room.texts()) == [30, 40]
    assert room.changed_seqs() == ({30}, {30})
    assert hot_log.trimmed == {room.id: 29}  # with the changes between the rows


def test_without_a_limit_nothing_is_deleted(rooms: Rooms) -> None:
    room, hot_log = room_with_messages(rooms, 4000), HotLog()
    assert run(rooms, hot_log, 0) == 0
    assert list(room.texts()) == [10]
    assert hot_log.trimmed == {}


def test_a_room_can_have_a_shorter_limit_of_its_own(rooms: Rooms) -> None:
    room, other = room_with_messages(rooms, 10, 5), room_with_messages(rooms, 10, 5)
    rooms.update(room.id, "ann", retention_days=7)
    rooms.update(other.id, "ann", retention_days=300)
    assert run(rooms, HotLog(), 0) == 1
    assert run(rooms, HotLog(), 9) == 1
    assert (list(room.texts()), list(other.texts())) == ([20], [20])


def test_when_everything_is_old_the_log_is_trimmed_to_its_archived_end(rooms: Rooms) -> None:
    room, hot_log = room_with_messages(rooms, *([50] * (MAX_EVENTS_PER_TRANSACTION + 5))), HotLog()
    count = MAX_EVENTS_PER_TRANSACTION + 5
    assert run(rooms, hot_log, 30) == count
    assert room.texts() == {}
    assert hot_log.trimmed == {room.id: count * 10}


def test_the_archive_keeps_what_the_log_could_not_be_rid_of(rooms: Rooms) -> None:
    room, hot_log = room_with_messages(rooms, 40, 1), HotLog()
    hot_log.unavailable = True
    with pytest.raises(BrokerUnavailable):
        run(rooms, hot_log, 30)
    assert list(room.texts()) == [10, 20]
    hot_log.unavailable = False
    assert run(rooms, hot_log, 30) == 1


def test_only_owners_set_the_limit_of_a_room(rooms: Rooms) -> None:
    room = rooms.create("ann", users="bob")
    with pytest.raises(PermissionDenied):
        rooms.update(room, "bob", retention_days=7)
    with pytest.raises(InvalidField):
        rooms.services.rooms.update(room, RoomUpdate(retention_days=-1), caller=rooms.caller("ann"), now=NOW)
    assert rooms.update(room, "ann", retention_days=7).retention_days == 7
