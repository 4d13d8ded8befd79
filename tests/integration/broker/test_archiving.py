"""What the archive reads of the room logs, and what is trimmed, on each real store."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator

import pytest
import redis
from msgspec.structs import replace

from cloudchat.broker import keys
from cloudchat.broker.appends import Appended, ArchivedMessage, Refusal, Refused
from cloudchat.broker.archiving.log_archive import UnarchivedRange
from cloudchat.broker.reads import HistoryRange
from cloudchat.broker.redis_reads import MAX_PAGE_BYTES
from integration.broker.brokers import broker_on
from integration.broker.posting import Room, is_duplicate_of, seq_of, stored_bytes
from support.stores import RunningStore

pytestmark = pytest.mark.anyio

AT = "2026-11-22T09:05:01.007Z"
MAX_EDITS = 50
"""See functions/append.lua."""


@pytest.fixture(autouse=True)
def uncompressed_dumps(store: RunningStore) -> None:
    with redis.Redis(port=store.port) as other:
        other.config_set("rdbcompression", "no")


@pytest.fixture
async def room(store: RunningStore) -> AsyncIterator[Room]:
    async with broker_on(store, history_messages=50) as broker:
        yield Room(broker)


async def fill(room: Room, count: int) -> int:
    """Send messages; return the seq of the last one."""
    outcomes = await asyncio.gather(*(room.send(f"text <{number}>") for number in range(count)))
    return max(seq_of(outcome) for outcome in outcomes)


async def oldest(room: Room) -> int:
    return (await room.broker.read(room.id, 0, 1)).oldest


async def unarchived(room: Room, after: int = 0) -> list[int]:
    """Return the seqs of all events above a seq, as an archiver reads them."""
    seqs: list[int] = []
    while True:
        (page,) = await room.broker.archive.unarchived([UnarchivedRange(room.id, after, 30)])
        assert [json.loads(event)["seq"] for _, event in page.events] == [seq for seq, _ in page.events]
        seqs += [seq for seq, _ in page.events]
        after = page.through
        if after == page.head:
            return seqs


# -- trimming ----------------------------------------------------------------------------------------------------------


async def test_only_archived_events_are_trimmed_and_history_messages_are_kept(room: Room) -> None:
    head = await fill(room, 200)
    assert await oldest(room) == 1
    for archived, expected in ((20, 21), (10, 21), (120, 121), (170, 151), (head, 151)):
        await room.broker.archive.archived({room.id: archived})
        assert await oldest(room) == expected
    assert len(await room.events()) == 50
    assert await room.rows(HistoryRange.before_seq(151, 10)) == []
    assert seq_of(await room.send("later")) == head + 1
    assert await oldest(room) == 151


async def test_unarchived_events_are_read_in_pages_without_holes(room: Room) -> None:
    head = await fill(room, 100)
    seq_of(await room.delete(50))
    assert await unarchived(room) == list(range(1, head + 2))
    assert await unarchived(room, 60) == list(range(61, head + 2))
    await room.broker.archive.archived({room.id: 40})
    assert (await unarchived(room))[0] == 41
    assert await unarchived(room, head + 1) == []


async def test_page_of_unarchived_events_is_limited_in_bytes(room: Room) -> None:
    for _ in range(8):
        seq_of(await room.send("x" * (MAX_PAGE_BYTES // 4)))
    (page,) = await room.broker.archive.unarchived([UnarchivedRange(room.id, 0, 500)])
    assert ([seq for seq, _ in page.events], page.through, page.head) == ([1, 2, 3], 3, 8)


async def test_a_log_of_the_earlier_version_is_archived_from_its_oldest_event(store: RunningStore, room: Room) -> None:
    """It was trimmed without an archive, and its meta has no archived head."""
    head = await fill(room, 100)
    with redis.Redis(port=store.port) as other:
        other.xtrim(keys.log(room.id), minid=51, approximate=False)
    assert await unarchived(room) == list(range(51, head + 1))
    assert isinstance(await room.send("accepted"), Appended)
    await room.broker.archive.archived({room.id: head})
    assert await oldest(room) == 52


async def test_appends_are_refused_while_the_log_is_full_of_unarchived_events(store: RunningStore, room: Room) -> None:
    with redis.Redis(port=store.port) as other, other.pipeline(transaction=False) as pipeline:
        seq_of(await room.send("first"))
        for seq in range(2, 100_051):
            pipeline.xadd(keys.log(room.id), {"e": "{}"}, id=f"{seq}-0")
        pipeline.hset(keys.meta(room.id), "seq", 100_050)
        pipeline.execute()
    cid = str(uuid.uuid4())
    assert await room.send("too much", cid=cid) == Refused(Refusal.UNARCHIVED)
    assert await room.react(1) == Refused(Refusal.UNARCHIVED)
    assert await room.notice(1) == Refused(Refusal.UNARCHIVED)
    await room.broker.archive.archived({room.id: 1})
    assert seq_of(await room.send("too much", cid=cid)) == 100_051
    await room.broker.archive.archived({room.id: 100_051})
    assert await oldest(room) == 100_002


# -- changes of messages that only the archive has ---------------------------------------------------------------------


class ArchiveStub:
    """What the archive knows of the messages of a room; the head of its last report."""

    def __init__(self) -> None:
        self.head = 0
        self.messages: dict[int, ArchivedMessage] = {}

    def find(self, target: int) -> ArchivedMessage:
        return replace(self.messages.get(target, ArchivedMessage(0, "")), as_of=self.head)

    async def report(self, room: Room, head: int) -> None:
        self.head = head
        await room.broker.archive.archived({room.id: head})


@pytest.fixture
async def archive() -> ArchiveStub:
    return ArchiveStub()


@pytest.fixture
async def archived_room(room: Room, archive: ArchiveStub) -> Room:
    """A room whose messages 1 to 50 are only in the archive."""
    room = Room(room.broker, find_archived=archive.find)
    head = await fill(room, 100)
    await archive.report(room, head)
    archive.messages[1] = ArchivedMessage(0, "ann", AT, reactions=[("👍", ["bob", "cid"])])
    archive.messages[2] = ArchivedMessage(0, "ann", AT, edits=MAX_EDITS - 1)
    archive.messages[3] = ArchivedMessage(0, "ann", AT, is_deleted=True)
    return room


async def test_archived_message_follows_the_same_rules(archived_room: Room) -> None:
    room = archived_room
    assert is_duplicate_of(await room.react(1, user="bob"), 1)
    assert seq_of(await room.react(1, user="dan")) == 101
    assert is_duplicate_of(await room.react(1, user="dan"), 1)
    assert await room.edit(1, "no", user="bob") == Refused(Refusal.FORBIDDEN)
    assert seq_of(await room.edit(2, "the last edit")) == 102
    assert await room.edit(2, "one too many") == Refused(Refusal.FULL)
    assert is_duplicate_of(await room.delete(3), 3)
    assert await room.edit(3, "deleted") == Refused(Refusal.NOT_FOUND)
    assert await room.react(4) == Refused(Refusal.NOT_FOUND)


async def test_reaction_that_is_off_before_the_archive_knows_it_can_be_turned_on_again(archived_room: Room) -> None:
    room = archived_room
    for user in ("bob", "cid"):
        seq_of(await room.react(1, user=user, on=False))
    assert seq_of(await room.react(1, user="bob")) == 103


async def test_change_is_refused_when_the_archive_was_read_before_its_head_moved(
    archived_room: Room, archive: ArchiveStub
) -> None:
    room = archived_room
    seq_of(await room.react(1, user="bob", on=False))
    await room.broker.archive.archived({room.id: 101})
    assert await room.react(1, user="bob") == Refused(Refusal.NOT_IN_LOG, 101)
    archive.head, archive.messages[1] = 101, ArchivedMessage(0, "ann", AT, reactions=[("👍", ["cid"])])
    assert seq_of(await room.react(1, user="bob")) == 102


async def test_deletion_removes_the_bytes_that_trimming_has_left(store: RunningStore, archived_room: Room) -> None:
    room = archived_room
    assert seq_of(await room.edit(2, "<edited>")) == 101
    assert seq_of(await room.delete(2)) == 102
    stored = stored_bytes(store, room.id)
    assert [text for text in (b"<1>", b"<49>", b"<edited>") if text in stored] == []
    assert len(await room.events()) == 52


async def test_edit_that_only_the_archive_counts_is_removed_from_the_log(
    store: RunningStore, archived_room: Room, archive: ArchiveStub
) -> None:
    room = archived_room
    assert seq_of(await room.edit(2, "<edited>")) == 101
    await archive.report(room, 101)
    archive.messages[2] = ArchivedMessage(0, "ann", AT, edits=1)
    assert seq_of(await room.delete(2)) == 102
    assert b"<edited>" not in stored_bytes(store, room.id)
    assert [event["seq"] for event in await room.events()] == list(range(52, 103))


async def test_state_without_the_time_of_its_change_stays_until_everything_is_archived(
    store: RunningStore, archived_room: Room, archive: ArchiveStub
) -> None:
    """A server of the earlier version has written it."""
    room, state = archived_room, {"target": "1", "reactions": [{"emoji": "👍", "users": " eve ", "count": 1}]}
    with redis.Redis(port=store.port) as other:
        other.zadd(keys.states(room.id), {json.dumps(state): 1})
        other.hset(keys.meta(room.id), "side", 1)
        await archive.report(room, 100)
        assert is_duplicate_of(await room.react(1, user="eve"), 1)
        await archive.report(room, 100)
        assert not other.exists(keys.states(room.id))


# -- numbering after a loss -------------------------------------------------------------------------------------------


async def test_what_is_left_of_a_lost_log_is_kept_until_it_is_archived(store: RunningStore, room: Room) -> None:
    await fill(room, 40)
    seq_of(await room.delete(35))
    await room.broker.archive.archived({room.id: 20})
    room.broker.marks.observe_event(room.id, "seen", 60)
    after = await room.send("new")
    assert seq_of(after) == 61
    assert (await oldest(room), len(await room.events())) == (61, 1)
    assert await unarchived(room, 20) == [*range(21, 42), 61]
    assert await room.react(30) == Refused(Refusal.NOT_IN_LOG, 20)
    await room.broker.archive.archived({room.id: 30})
    assert await unarchived(room, 20) == [*range(31, 42), 61]
    await room.broker.archive.archived({room.id: 61})
    assert await unarchived(room, 20) == [61]
    with redis.Redis(port=store.port) as other:
        names = {name.rpartition(b":")[2] for name in other.scan_iter(match=f"cloudchat:{{{room.id}}}:*")}
        assert names == {b"meta", b"log", b"first"}


async def test_two_losses_in_a_row_keep_the_events_of_both(room: Room) -> None:
    await fill(room, 10)
    room.broker.marks.observe_event(room.id, "seen", 20)
    await fill(room, 10)
    room.broker.marks.observe_event(room.id, "seen", 40)
    await fill(room, 1)
    assert await unarchived(room) == [*range(1, 11), *range(21, 31), 41]
    assert (await room.broker.heads([room.id]))[0].seq == 41


async def test_archived_head_above_the_end_of_the_log_starts_a_new_epoch(store: RunningStore) -> None:
    """The store was set back, and the process has witnessed nothing; the archive has."""
    async with broker_on(store) as earlier:
        room = Room(earlier)
        await fill(room, 10)
        before = (await earlier.heads([room.id]))[0]
    async with broker_on(store) as broker:
        (page,) = await broker.archive.unarchived([UnarchivedRange(room.id, 30, 10)])
        assert page.head == 30
        await broker.archive.archived({room.id: 30})
        room = Room(broker, room.id)
        after = await room.send("new")
        assert isinstance(after, Appended)
        assert (after.seq, after.epoch != before.epoch) == (31, True)
        assert await unarchived(room) == [31]


async def test_log_without_meta_is_kept_for_the_archive(store: RunningStore, room: Room) -> None:
    await fill(room, 10)
    with redis.Redis(port=store.port) as other:
        other.delete(keys.meta(room.id))
    async with broker_on(store) as broker:
        room = Room(broker, room.id)
        assert seq_of(await room.send("new")) == 11
        assert await unarchived(room) == list(range(1, 12))
        assert await oldest(room) == 11


# -- the queue ---------------------------------------------------------------------------------------------------------


async def test_room_is_in_the_queue_before_its_append_is_acknowledged(room: Room) -> None:
    seq_of(await room.send("one"))
    assert room.id in await room.broker.archive.queued_rooms(100_000)


async def test_room_leaves_the_queue_only_when_a_read_was_long_after_its_last_append(room: Room) -> None:
    archive = room.broker.archive
    seq_of(await room.send("one"))
    (page,) = await archive.unarchived([UnarchivedRange(room.id, 1, 10)])
    assert (page.events, page.through) == ([], page.head)
    await archive.dequeue_rooms({room.id: page.read_at})
    assert room.id in await archive.queued_rooms(100_000)
    await archive.dequeue_rooms({room.id: str(float(page.read_at) + 11), "unknown": page.read_at})
    assert room.id not in await archive.queued_rooms(100_000)


async def test_rooms_of_a_new_connection_are_enqueued_again(store: RunningStore, room: Room) -> None:
    seq_of(await room.send("one"))
    with redis.Redis(port=store.port) as other:
        other.delete(keys.ARCHIVE_QUEUE)
        other.client_kill_filter(_type="normal", skipme=True)
    await room.send("lost with the connection")
    seq_of(await room.send("two"))
    assert room.id in await room.broker.archive.queued_rooms(100_000)


# -- removal by age ----------------------------------------------------------------------------------------------------


async def test_events_removed_by_age_leave_no_bytes_and_no_reused_number(store: RunningStore, room: Room) -> None:
    head = await fill(room, 30)
    seq_of(await room.react(10))
    seq_of(await room.delete(12))
    await room.broker.archive.trim_before(room.id, 15)
    assert await oldest(room) == 16
    assert [event["seq"] for event in await room.events()] == list(range(16, head + 3))
    stored = stored_bytes(store, room.id)
    assert [number for number in range(30) if f"<{number}>".encode() in stored] == list(range(15, 30))
    await room.broker.archive.trim_before(room.id, 1000)
    assert (await room.events(), await oldest(room)) == ([], head + 3)
    assert seq_of(await room.send("new")) == head + 3


# -- names -------------------------------------------------------------------------------------------------------------


async def test_name_of_a_user_is_replaced_and_leaves_no_bytes(store: RunningStore, room: Room) -> None:
    for user in ("ann", "bob", "ann"):
        seq_of(await room.send('says {"id":"ann","name":"ann"}', user=user))
    seq_of(await room.edit(1, "edited"))
    seq_of(await room.react(2))
    seq_of(await room.send("kept", user="annabel"))
    before = await room.events()
    after = 0
    while after < len(before):
        after = await room.broker.archive.rename_user(room.id, "ann", 'gone "1"', after, 2)
    for event in before:
        if event["user"]["id"] == "ann":
            event["user"]["name"] = 'gone "1"'
    assert await room.events() == before
    assert b'"id":"ann","name":"ann"' not in stored_bytes(store, room.id)


async def test_name_is_replaced_in_events_of_an_earlier_numbering(room: Room) -> None:
    await fill(room, 5)
    room.broker.marks.observe_event(room.id, "seen", 10)
    await fill(room, 5)
    assert await room.broker.archive.rename_user(room.id, "ann", "gone", 0, 100) == 15
    (page,) = await room.broker.archive.unarchived([UnarchivedRange(room.id, 0, 100)])
    assert [(seq, json.loads(event)["user"]["name"]) for seq, event in page.events] == [
        (seq, "gone") for seq in (*range(1, 6), *range(11, 16))
    ]
