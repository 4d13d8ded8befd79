"""Edits, deletions, reactions, notices, the room's version and slow mode, on each real store."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import redis

from cloudchat.broker import keys
from cloudchat.broker.appends import Appended, AppendOutcome, Refusal, Refused
from cloudchat.broker.functions import FUNCTIONS
from cloudchat.broker.reads import HistoryRange
from cloudchat.core.message_fold import MessageFold
from integration.broker.brokers import broker_on
from integration.broker.posting import Room, is_duplicate_of, seq_of, stored_bytes
from support.stores import RunningStore

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def uncompressed_dumps(store: RunningStore) -> None:
    """Let DUMP return the bytes of a key as they are, so that a text can be searched in them."""
    with redis.Redis(port=store.port) as other:
        other.config_set("rdbcompression", "no")


@pytest.fixture
async def room(store: RunningStore) -> AsyncIterator[Room]:
    async with broker_on(store) as broker:
        yield Room(broker)


# -- edits -------------------------------------------------------------------------------------------------------------


async def test_an_edit_is_logged_and_replaces_the_text_in_the_history(room: Room) -> None:
    target = seq_of(await room.send("first"))
    edit = await room.edit(target, "second")
    assert seq_of(edit) == 2
    message, edited = await room.events()
    assert message["text"] == "first"
    assert edited == {
        "type": "edited",
        "room": room.id,
        "epoch": message["epoch"],
        "seq": 2,
        "target": 1,
        "user": {"id": "ann", "name": "ann"},
        "text": "second",
        "at": "2027-01-15T08:00:00.250Z",
    }
    assert await room.rows() == [{**message, "text": "second", "edited_at": edited["at"]}]


async def test_only_the_author_can_edit(room: Room) -> None:
    target = seq_of(await room.send("mine"))
    assert await room.edit(target, "yours", user="bob") == Refused(Refusal.FORBIDDEN)
    assert len(await room.events()) == 1


async def test_only_a_message_can_be_changed(room: Room) -> None:
    target = seq_of(await room.send("one"))
    reaction = seq_of(await room.react(target))
    notice = seq_of(await room.notice(0))
    for seq in (reaction, notice, notice + 1, 2**53 - 1):
        assert await room.edit(seq, "two") == Refused(Refusal.NOT_FOUND)
        assert await room.delete(seq, moderates=True) == Refused(Refusal.NOT_FOUND)
        assert await room.react(seq) == Refused(Refusal.NOT_FOUND)


async def test_a_message_has_a_bounded_number_of_edits(room: Room) -> None:
    target = seq_of(await room.send("text"))
    outcomes = [await room.edit(target, f"text {number}") for number in range(51)]
    assert [isinstance(outcome, Appended) for outcome in outcomes] == [True] * 50 + [False]
    assert outcomes[-1] == Refused(Refusal.FULL)


# -- reactions ---------------------------------------------------------------------------------------------------------


async def test_reactions_are_counted_in_the_order_of_their_first_use(room: Room) -> None:
    target = seq_of(await room.send("hello"))
    for user, emoji in (("bob", "🎉"), ("ann", "👍"), ("cid", "🎉"), ("ann", "🎉")):
        seq_of(await room.react(target, emoji, user=user))
    seq_of(await room.react(target, "🎉", on=False, user="bob"))
    (row,) = await room.rows()
    assert row["reactions"] == [
        {"emoji": "🎉", "count": 2, "users": ["cid", "ann"]},
        {"emoji": "👍", "count": 1, "users": ["ann"]},
    ]
    seq_of(await room.react(target, "👍", on=False))
    assert (await room.rows())[0]["reactions"] == [{"emoji": "🎉", "count": 2, "users": ["cid", "ann"]}]


async def test_a_reaction_that_changes_nothing_is_a_duplicate_of_the_message(room: Room) -> None:
    target = seq_of(await room.send("hello"))
    assert is_duplicate_of(await room.react(target, on=False), target)
    seq_of(await room.react(target))
    unchanged = str(uuid.uuid4())
    assert is_duplicate_of(await room.react(target, cid=unchanged), target)
    assert len(await room.events()) == 2
    seq_of(await room.react(target, on=False))
    assert is_duplicate_of(await room.react(target, cid=unchanged), target), "the repetition was executed later"


async def test_the_emoji_of_a_message_are_bounded(room: Room) -> None:
    target = seq_of(await room.send("hello"))
    emoji = [chr(0x1F600 + number) for number in range(21)]
    for one in emoji[:20]:
        seq_of(await room.react(target, one))
    assert await room.react(target, emoji[20]) == Refused(Refusal.FULL)
    seq_of(await room.react(target, emoji[0], user="bob"))
    seq_of(await room.react(target, emoji[1], on=False))
    seq_of(await room.react(target, emoji[20]))


async def test_the_reactions_of_a_message_are_bounded_and_twenty_users_are_listed(store: RunningStore) -> None:
    async with broker_on(store, history_messages=2000) as broker:
        room = Room(broker)
        target = seq_of(await room.send("hello"))
        outcomes: list[AppendOutcome] = []
        for start in range(0, 1001, 77):  # all at once, the store would be silent for seconds on a busy machine
            users = [f"user{number}" for number in range(start, start + 77)]
            outcomes += await asyncio.gather(*(room.react(target, user=user) for user in users))
        assert [outcome for outcome in outcomes if isinstance(outcome, Refused)] == [Refused(Refusal.FULL)]
        (row,) = await room.rows()
    assert row["reactions"] == [{"emoji": "👍", "count": 1000, "users": [f"user{number}" for number in range(20)]}]


# -- deletions ---------------------------------------------------------------------------------------------------------


async def test_a_deleted_text_is_nowhere_in_the_store(store: RunningStore, room: Room) -> None:
    texts = [f"text {number} of the room" for number in range(100)]
    for text in texts:
        seq_of(await room.send(text))
    seq_of(await room.edit(50, 'a "secret" \\ in an edit'))
    for text in texts:
        seq_of(await room.send(text + ", again"))
    before = await room.events()
    assert b"secret" in stored_bytes(store, room.id)
    assert b"text 49 of" in stored_bytes(store, room.id)
    deletion = seq_of(await room.delete(50))
    assert deletion == 202
    stored = stored_bytes(store, room.id)
    assert b"secret" not in stored
    assert stored.count(b"text 49 of") == 1, "only the later message has it"
    after = await room.events()
    assert [event["seq"] for event in after] == list(range(1, 203))
    for old, new in zip(before, after[:-1], strict=True):
        assert new == ({**old, "text": ""} if old["seq"] in (50, 101) else old)
    assert after[-1]["target"] == 50
    row = (await room.rows(HistoryRange.around_seq(50, 1)))[0]
    assert row == {**before[49], "text": "", "deleted_at": after[-1]["at"]}


async def test_neighbours_of_a_deleted_message_can_be_deleted_later(store: RunningStore, room: Room) -> None:
    for number in range(60):
        seq_of(await room.send(f"text <{number}> of the room"))
    for seq in (30, 31, 29, 45, 60, 1, 46):
        seq_of(await room.delete(seq))
        assert f"text <{seq - 1}>".encode() not in stored_bytes(store, room.id)
    assert [event["seq"] for event in await room.events()] == list(range(1, 68))


async def test_a_large_text_is_deleted_without_moving_its_neighbours(store: RunningStore, room: Room) -> None:
    for text in ("before", "x" * 5000, "after"):
        seq_of(await room.send(text))
    seq_of(await room.delete(2))
    assert b"xxxxx" not in stored_bytes(store, room.id)
    with redis.Redis(port=store.port) as other:
        assert other.zcard(f"cloudchat:{{{room.id}}}:moved") == 1


async def test_the_author_or_a_moderator_can_delete(room: Room) -> None:
    one, two = seq_of(await room.send("one")), seq_of(await room.send("two"))
    assert await room.delete(one, user="bob") == Refused(Refusal.FORBIDDEN)
    seq_of(await room.delete(one, user="bob", moderates=True))
    seq_of(await room.delete(two))


async def test_a_deleted_message_cannot_be_changed_and_has_no_reactions(room: Room) -> None:
    target = seq_of(await room.send("hello"))
    seq_of(await room.react(target))
    seq_of(await room.delete(target))
    assert await room.edit(target, "again") == Refused(Refusal.NOT_FOUND)
    assert await room.react(target) == Refused(Refusal.NOT_FOUND)
    assert await room.delete(target, user="bob") == Refused(Refusal.FORBIDDEN)
    assert is_duplicate_of(await room.delete(target), target)
    assert is_duplicate_of(await room.delete(target, user="bob", moderates=True), target)
    (row,) = await room.rows()
    assert "reactions" not in row


async def test_a_repeated_change_is_stored_once(room: Room) -> None:
    target = seq_of(await room.send("hello"))
    edit, reaction, deletion = (str(uuid.uuid4()) for _ in range(3))
    for _ in range(2):
        edited = await room.edit(target, "new", cid=edit)
        reacted = await room.react(target, cid=reaction)
    assert is_duplicate_of(edited, 2)
    assert is_duplicate_of(reacted, 3)
    for _ in range(2):
        deleted = await room.delete(target, cid=deletion)
    assert is_duplicate_of(deleted, 4)
    assert is_duplicate_of(await room.edit(target, "new", cid=edit), 2)
    assert len(await room.events()) == 4


async def test_what_belongs_to_trimmed_messages_is_removed(store: RunningStore) -> None:
    async with broker_on(store, history_messages=20) as broker:
        room = Room(broker)
        for number in range(20):
            seq = seq_of(await room.send(f"text {number}"))
            seq_of(await room.react(seq))
            if number % 5 == 0:
                seq_of(await room.delete(seq))
        for _ in range(30):
            seq_of(await room.send("later"))
        head = (await broker.read(room.id, 0, 1)).head
        await broker.archive.archived({room.id: head})
        assert [event["seq"] for event in await room.events()] == list(range(head - 19, head + 1))
        with redis.Redis(port=store.port) as other:
            names = set(other.scan_iter(match=f"cloudchat:{{{room.id}}}:*"))
            assert other.hget(keys.meta(room.id), "side") is None
        assert {name.rpartition(b":")[2] for name in names} == {b"meta", b"log", b"first"}


async def test_acknowledged_changes_survive_a_kill_of_the_store(store: RunningStore) -> None:
    async with broker_on(store) as broker:
        room = Room(broker)
        for number in range(40):
            seq_of(await room.send(f"text <{number}>"))
        changes = [room.edit(seq, f"new <{seq}>") for seq in range(2, 6)]
        changes += [room.react(seq, user="bob") for seq in range(4, 12)]
        changes += [room.delete(seq) for seq in (3, 4, 20, 21, 40)]
        for outcome in await asyncio.gather(*changes):
            seq_of(outcome)
        events, rows = await room.events(), await room.rows()
    store.kill()
    store.start()
    async with broker_on(store) as broker:
        room.broker = broker
        assert await room.events() == events
        assert await room.rows() == rows
        assert b"text <19>" not in stored_bytes(store, room.id)


# -- the room's version, notices and slow mode -------------------------------------------------------------------------


async def test_an_append_with_an_older_version_is_refused(room: Room) -> None:
    target = seq_of(await room.send("before", version=1))
    first = str(uuid.uuid4())
    seq_of(await room.send("accepted", version=1, cid=first))
    seq_of(await room.notice(2))
    assert await room.send("too late", version=1) == Refused(Refusal.STALE, 2)
    assert await room.react(target) == Refused(Refusal.STALE, 2)
    assert is_duplicate_of(await room.send("accepted", version=1, cid=first), 2)
    seq_of(await room.send("a newer version", version=5))
    page = await room.broker.read(room.id, 0, 1)
    history = await room.broker.history(room.id, HistoryRange.before_seq(9, 1))
    assert (page.version, history.version) == (5, 5)


async def test_a_notice_is_logged_once_and_whatever_the_version_is(room: Room) -> None:
    cid = str(uuid.uuid4())
    seq_of(await room.notice(7))
    assert seq_of(await room.notice(3, cid)) == 2
    assert is_duplicate_of(await room.notice(3, cid), 2)
    assert (await room.broker.read(room.id, 0, 1)).version == 7
    assert [row["type"] for row in await room.rows()] == ["notice", "notice"]


async def test_slow_mode_refuses_the_next_message_of_the_same_user(store: RunningStore, room: Room) -> None:
    cid = str(uuid.uuid4())
    seq_of(await room.send("one", slow_mode_ms=60_000, cid=cid))
    refused = await room.send("two", slow_mode_ms=60_000)
    assert isinstance(refused, Refused)
    assert refused.reason is Refusal.SLOW_MODE
    assert 50_000 < refused.detail <= 60_000
    assert is_duplicate_of(await room.send("one", slow_mode_ms=60_000, cid=cid), 1)
    seq_of(await room.send("of another user", user="bob", slow_mode_ms=60_000))
    seq_of(await room.react(1))
    seq_of(await room.send("slow mode is off"))
    seq_of(await room.send("the interval is shorter now", slow_mode_ms=1))
    with redis.Redis(port=store.port) as other:
        assert 0 < other.pttl(f"cloudchat:{{{room.id}}}:slow:bob") <= 60_000


async def test_reply_needs_a_message_of_the_room(room: Room) -> None:
    target = seq_of(await room.send("one"))
    reaction = seq_of(await room.react(target))
    notice = seq_of(await room.notice(0))
    for seq in (reaction, notice, notice + 1, 2**53 - 1):
        refused = await room.send("a reply", reply_to=seq, slow_mode_ms=60_000)
        assert refused == Refused(Refusal.NOT_REPLIABLE)
    cid = str(uuid.uuid4())
    reply = seq_of(await room.send("a reply", reply_to=target, slow_mode_ms=60_000, cid=cid))
    assert (await room.rows())[-1]["reply_to"] == target
    assert is_duplicate_of(await room.send("a reply", reply_to=target, cid=cid), reply)
    seq_of(await room.delete(target))
    seq_of(await room.send("to a deleted one", reply_to=target))


async def test_reply_to_a_message_that_was_trimmed_from_the_log(store: RunningStore) -> None:
    async with broker_on(store, history_messages=3) as broker:
        room = Room(broker)
        for number in range(5):
            seq_of(await room.send(f"m{number}"))
        seq_of(await room.send("a reply", reply_to=1))


# -- history -----------------------------------------------------------------------------------------------------------


@pytest.fixture
async def long_room(room: Room) -> Room:
    """30 messages with seqs 1 to 30, and as many reactions after each ten of them: 31-40, 41-50 and so on."""
    for tens in range(3):
        seqs = [seq_of(await room.send(f"m{tens * 10 + number}")) for number in range(10)]
        for seq in seqs:
            seq_of(await room.react(seq))
    return room


async def test_history_has_the_rows_next_to_a_position(long_room: Room) -> None:
    room = long_room
    texts = [f"m{number}" for number in range(30)]
    for before, limit, expected in ((61, 10, texts[20:]), (41, 3, texts[17:20]), (25, 50, texts[:14])):
        found = await room.broker.history(room.id, HistoryRange.before_seq(before, limit))
        assert [json.loads(row)["text"] for row in found.rows] == expected
        assert (found.more_before, found.more_after) == (expected[0] != "m0", expected[-1] != "m29")
        assert found.as_of == 60
    for after, limit, expected in ((0, 10, texts[:10]), (10, 5, texts[10:15]), (45, 50, texts[25:])):
        found = await room.broker.history(room.id, HistoryRange.after_seq(after, limit))
        assert [json.loads(row)["text"] for row in found.rows] == expected
        assert (found.more_before, found.more_after) == (expected[0] != "m0", expected[-1] != "m29")
    for around, limit, expected in ((5, 5, texts[2:7]), (15, 4, texts[8:12]), (1, 4, texts[:2]), (60, 2, texts[29:])):
        found = await room.broker.history(room.id, HistoryRange.around_seq(around, limit))
        assert [json.loads(row)["text"] for row in found.rows] == expected


async def test_history_without_rows_has_no_more(room: Room) -> None:
    found = await room.broker.history(room.id, HistoryRange.before_seq(10, 5))
    assert (found.rows, found.more_before, found.more_after, found.as_of) == ([], False, False, 0)


async def test_history_finds_messages_behind_thousands_of_other_events(store: RunningStore) -> None:
    async with broker_on(store, history_messages=10_000) as broker:
        room = Room(broker)
        seq_of(await room.send("first"))
        for start in range(0, 2400, 400):
            on = start % 800 == 0
            await asyncio.gather(*(room.react(1, on=on, user=f"user{number}") for number in range(400)))
        assert [row["text"] for row in await room.rows()] == ["first"]
        seq_of(await room.send("last"))
        found = await broker.history(room.id, HistoryRange.after_seq(1, 5))
        assert [json.loads(row)["text"] for row in found.rows] == ["last"]
        assert found.more_before


# -- other versions of the library -------------------------------------------------------------------------------------


async def test_states_of_a_lost_log_are_not_applied_to_the_new_one(store: RunningStore, room: Room) -> None:
    """A server of the earlier version starts the new log, and leaves the keys that it does not know."""
    seq_of(await room.send("lost"))
    seq_of(await room.react(1))
    seq_of(await room.delete(1))
    with redis.Redis(port=store.port) as other:
        other.delete(keys.log(room.id))
        other.hset(keys.meta(room.id), mapping={"epoch": "new", "seq": 0})
        other.hdel(keys.meta(room.id), "side", "v")
    new = seq_of(await room.send("new"))
    assert [row["text"] for row in await room.rows()] == ["new"]
    seq_of(await room.react(new, "🎉"))
    (row,) = await room.rows()
    assert [reaction["emoji"] for reaction in row["reactions"]] == ["🎉"]
    assert len(await room.events()) == 2


def test_an_index_restores_the_states(store: RunningStore) -> None:
    """As after a restore of a backup, which has the events only."""

    async def fill() -> tuple[Room, list[dict[str, Any]]]:
        async with broker_on(store) as broker:
            room = Room(broker)
            for number in range(5):
                seq_of(await room.send(f"text {number}"))
            seq_of(await room.edit(2, "new"))
            seq_of(await room.react(2))
            seq_of(await room.react(3, user="bob"))
            seq_of(await room.delete(4))
            return room, await room.rows()

    async def read(room: str) -> list[dict[str, Any]]:
        async with broker_on(store) as broker:
            found = await broker.history(room, HistoryRange.before_seq(100, 100))
            return [json.loads(row) for row in found.rows]

    room, rows = asyncio.run(fill())
    with redis.Redis(port=store.port) as other:
        other.function_load(FUNCTIONS, replace=True)
        events = dict(events_of(other, room.id))
        other.delete(keys.log(room.id), f"cloudchat:{{{room.id}}}:moved", f"cloudchat:{{{room.id}}}:states")
        for seq, event in sorted(events.items()):
            other.xadd(keys.log(room.id), {"e": event}, id=f"{seq}-0")
        side: Any = other.execute_command(
            "FCALL", "cloudchat_index_v5", 2, keys.meta(room.id), keys.log(room.id), 1, len(events)
        )
        assert side == 2
    assert asyncio.run(read(room.id)) == rows
    assert MessageFold(map(json.loads, (events[seq] for seq in sorted(events)))).rows() == rows


def events_of(store: Any, room: str) -> Iterator[tuple[int, bytes]]:
    for id, fields in store.xrange(keys.log(room)):
        yield int(id.partition(b"-")[0]), fields[b"e"]
    for event, seq in store.zrange(f"cloudchat:{{{room}}}:moved", 0, -1, withscores=True):
        yield int(seq), event
