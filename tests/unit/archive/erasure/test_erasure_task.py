"""`ErasureTask`: what a person has written is deleted, and the name replaced, however often it is interrupted."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from cloudchat.admin.actor import COMMAND_LINE
from cloudchat.archive.erasure.erasure_task import SETTLE_SECONDS, ErasureTask
from cloudchat.broker.appends import AppendCallback, Appended, Change
from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.broker.reads import Page
from support.account_services import NOW
from support.archived_rooms import ArchivedRoom
from support.chat_rooms import Rooms
from support.databases import on_both

pytestmark = on_both


@dataclass
class HotLog:
    """Has the events from `oldest` on, deletes their messages in the archive at once, and records what was done."""

    oldest: int = 1
    room: ArchivedRoom | None = None
    deleted: list[int] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    fails_after: int = 1000

    def change(self, change: Change, on_done: AppendCallback) -> None:
        if len(self.deleted) == self.fails_after:
            on_done(BrokerUnavailable("the store is away"))
            return
        assert (change.event.kind, change.moderates) == ("deleted", True)
        self.deleted.append(change.target)
        on_done(Appended(1000 + change.target, "e1", change.event.at, False))

    async def newest(self, room: str, limit: int, max_bytes: int) -> Page:
        return Page("e1", 100, self.oldest, 100, [])

    @property
    def archive(self) -> Any:
        return self

    async def rename_user(self, room: str, user: str, name: str, after: int, limit: int) -> int:
        """Rename in two steps."""
        self.renamed[room] = name
        return 50 if after < 50 else 100


def order(rooms: Rooms, name: str) -> str:
    return rooms.services.admin.personal_data.order_erasure(rooms.ids[name], actor=COMMAND_LINE, now=NOW)


def execute(rooms: Rooms, hot_log: HotLog, after_seconds: float) -> bool:
    task = ErasureTask(rooms.services.db, rooms.services.rooms, hot_log, hot_log)
    return asyncio.run(task.execute_next(NOW + after_seconds))


def test_older_messages_are_deleted_in_the_archive_and_newer_ones_by_events(rooms: Rooms) -> None:
    room = ArchivedRoom(rooms.services.db, rooms.create("ann", users="bob"))
    bob, ann = rooms.ids["bob"], rooms.ids["ann"]
    room.add(1, NOW, bob, "secret", cid="c1", mentions=[ann], edited_at="2026-01-01T00:00:00.000Z")
    room.add_earlier_text(1, NOW, "secret, too")
    room.react(1, ann)
    room.add(2, NOW, ann, "public")
    room.react(2, bob)
    room.add(50, NOW, bob, "new secret", cid="c2")
    name, hot_log = order(rooms, "bob"), HotLog(oldest=40)
    assert not execute(rooms, hot_log, 1)
    assert room.texts() == {1: "", 2: "public", 50: "new secret"}  # the archiver will fold the deletion of 50
    assert hot_log.deleted == [50]
    deleted = room.fields(1)
    assert (deleted["cid"], set(deleted)) == ("c1", {"cid", "deleted_at"})
    assert room.changed_seqs() == ({2}, set())
    assert hot_log.renamed == {room.id: name}


def test_an_older_message_whose_edit_is_in_the_log_is_deleted_by_an_event(rooms: Rooms) -> None:
    room = ArchivedRoom(rooms.services.db, rooms.create("bob"))
    room.add(1, NOW, rooms.ids["bob"], "edited long ago")
    room.add_earlier_text(1, NOW, "before", edit_seq=30)
    room.add(2, NOW, rooms.ids["bob"], "edited a moment ago")
    room.add_earlier_text(2, NOW, "before", edit_seq=45)
    order(rooms, "bob")
    hot_log = HotLog(oldest=40)
    execute(rooms, hot_log, 1)
    assert hot_log.deleted == [2]
    assert room.texts()[1] == ""


def test_an_erasure_is_finished_when_nothing_is_left_and_all_is_archived(rooms: Rooms) -> None:
    room = ArchivedRoom(rooms.services.db, rooms.create("bob"))
    room.add(1, NOW, rooms.ids["bob"])
    order(rooms, "bob")
    personal_data, bob = rooms.services.admin.personal_data, rooms.ids["bob"]
    hot_log = HotLog(oldest=2)
    assert personal_data.erasure_progress(bob).messages_left == 1
    assert not execute(rooms, hot_log, 1)
    assert not execute(rooms, hot_log, SETTLE_SECONDS - 1)
    assert execute(rooms, hot_log, SETTLE_SECONDS + 1)
    assert (personal_data.erasure_progress(bob).messages_left, personal_data.erasure_progress(bob).finished) == (
        0,
        True,
    )
    assert not execute(rooms, hot_log, SETTLE_SECONDS + 2)


def test_an_interrupted_erasure_goes_on(rooms: Rooms) -> None:
    room = ArchivedRoom(rooms.services.db, rooms.create("bob"))
    for seq in (10, 11, 12):
        room.add(seq, NOW, rooms.ids["bob"])
    order(rooms, "bob")
    with pytest.raises(BrokerUnavailable):
        execute(rooms, HotLog(fails_after=2), 1)
    assert not execute(rooms, HotLog(), 2)  # the claim of the first one holds
    again = HotLog()
    execute(rooms, again, 200)
    assert again.deleted == [10, 11, 12]


def test_the_name_is_replaced_and_the_person_leaves_all_rooms_but_the_lobby_and_direct_ones(rooms: Rooms) -> None:
    private = ArchivedRoom(rooms.services.db, rooms.create("ann", users="bob"))
    private.add(1, NOW, rooms.ids["ann"], kind="added", target={"id": rooms.ids["bob"]}, value="member")
    direct = rooms.direct("ann", "bob")[0].id
    name, hot_log = order(rooms, "bob"), HotLog()
    execute(rooms, hot_log, 1)
    assert hot_log.renamed == {private.id: name}
    assert (set(rooms.members(private.id)), set(rooms.members(direct))) == ({"ann"}, {"ann", name})
    assert name in rooms.members("lobby")


def test_the_others_in_direct_rooms_read_the_new_name_again_at_the_end(rooms: Rooms) -> None:
    direct = rooms.direct("ann", "bob")[0].id
    order(rooms, "bob")
    before = rooms.services.rooms.changes.facts([direct])[direct].version
    execute(rooms, HotLog(), 1)
    assert rooms.services.rooms.changes.facts([direct])[direct].version == before
    assert execute(rooms, HotLog(), SETTLE_SECONDS + 1)
    changes = rooms.services.rooms.changes.changes_after(direct, before)
    assert {change.user_id for change in changes} == {rooms.ids["ann"], rooms.ids["bob"]}


def test_messages_of_others_and_other_rooms_stay(rooms: Rooms) -> None:
    room = ArchivedRoom(rooms.services.db, rooms.create("ann"))
    room.add(1, NOW, rooms.ids["ann"], "mine")
    order(rooms, "bob")
    execute(rooms, HotLog(), SETTLE_SECONDS + 1)
    assert room.texts() == {1: "mine"}
