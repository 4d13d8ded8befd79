"""Which names are looked up, and how long they are remembered."""

from collections.abc import Collection, Mapping

import pytest

from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.messages.mention_directory import (
    MAX_NAMES_PER_ROOM,
    MAX_QUERIES,
    MISSING_SECONDS,
    UNAVAILABLE_SECONDS,
    MentionDirectory,
)
from cloudchat.messages.mentions import Mentions
from cloudchat.rooms.summaries.summary import RoomSummary

pytestmark = pytest.mark.anyio


class Members:
    """The members of every room, by name key, and what was asked for."""

    def __init__(self) -> None:
        self.ids = {"ann": "u1", "bob": "u2"}
        self.asked: list[set[str]] = []
        self.away = False

    async def read(self, room_id: str, keys: Collection[str]) -> Mapping[str, str]:
        self.asked.append(set(keys))
        if self.away:
            raise DatabaseUnavailable
        return {key: self.ids[key] for key in keys if key in self.ids}


async def prepared(directory: MentionDirectory, text: str, *, version: int = 1) -> Mentions:
    room = RoomSummary("lobby", "lobby", "public", version=version)
    preparation = directory.preparation(room, text)
    if preparation is not None:
        await preparation
    return directory.find(room, text)


async def test_each_name_is_looked_up_once() -> None:
    members = Members()
    directory = MentionDirectory(members.read, {})
    assert await prepared(directory, "hello @Ann and @nobody.") == Mentions(("u1",))
    assert await prepared(directory, "@ann @bob @nobody.") == Mentions(("u1", "u2"))
    assert await prepared(directory, "@bob, @room") == Mentions(("u2",), room=True)
    assert members.asked == [{"ann", "nobody.", "nobody"}, {"bob"}]


async def test_a_text_without_names_asks_for_nothing() -> None:
    members = Members()
    directory = MentionDirectory(members.read, {})
    assert await prepared(directory, "`@ann` a@ann.example @room") == Mentions((), room=True)
    assert members.asked == []


async def test_names_are_looked_up_again_after_a_change_of_the_room() -> None:
    members, versions = Members(), {"lobby": 1}
    directory = MentionDirectory(members.read, versions)
    assert await prepared(directory, "@cid") == Mentions()
    members.ids["cid"] = "u3"
    versions["lobby"] = 2
    assert await prepared(directory, "@cid") == Mentions(("u3",))


async def test_names_are_looked_up_again_for_an_author_who_knows_a_newer_version_of_the_room() -> None:
    """A connection that opens has the room of the database, which this process may not have compared yet."""
    members = Members()
    directory = MentionDirectory(members.read, {"lobby": 1})
    assert await prepared(directory, "@cid") == Mentions()
    members.ids["cid"] = "u3"
    assert await prepared(directory, "@cid", version=2) == Mentions(("u3",))
    assert await prepared(directory, "@cid", version=1) == Mentions(("u3",))
    assert len(members.asked) == 2


async def test_a_room_that_changes_during_the_query_does_not_lose_the_mention() -> None:
    members, versions = Members(), {"lobby": 1}

    async def read(room_id: str, keys: Collection[str]) -> Mapping[str, str]:
        found = await members.read(room_id, keys)
        versions["lobby"] = 2
        return found

    assert await prepared(MentionDirectory(read, versions), "@ann") == Mentions(("u1",))
    assert len(members.asked) == 2  # ann may have left the room with the change


async def test_a_room_that_changes_all_the_time_does_not_hold_a_message() -> None:
    members, versions = Members(), {"lobby": 1}

    async def read(room_id: str, keys: Collection[str]) -> Mapping[str, str]:
        versions["lobby"] += 1
        return await members.read(room_id, keys)

    assert await prepared(MentionDirectory(read, versions), "@ann") == Mentions()
    assert len(members.asked) == MAX_QUERIES


async def test_without_the_database_a_message_mentions_nobody() -> None:
    members, now = Members(), [0.0]
    members.away = True
    directory = MentionDirectory(members.read, {}, clock=lambda: now[0])
    assert await prepared(directory, "@ann") == Mentions()
    members.away = False
    # Without a query, for any name: messages do not wait for the timeout of the database one after the other.
    assert await prepared(directory, "@ann @bob") == Mentions()
    now[0] = UNAVAILABLE_SECONDS
    assert await prepared(directory, "@ann") == Mentions(("u1",))
    assert len(members.asked) == 2


async def test_a_name_that_is_dropped_for_others_does_not_lose_its_mention() -> None:
    members = Members()
    directory = MentionDirectory(members.read, {})
    assert await prepared(directory, "@ann") == Mentions(("u1",))
    for start in range(0, MAX_NAMES_PER_ROOM - 100, 100):
        await prepared(directory, " ".join(f"@x{number}" for number in range(start, start + 100)))
    text = "@ann @bob " + " ".join(f"@y{number}" for number in range(100))
    assert await prepared(directory, text) == Mentions(("u1", "u2"))


async def test_a_name_that_nobody_has_is_looked_up_again_later() -> None:
    members, now = Members(), [0.0]
    directory = MentionDirectory(members.read, {}, clock=lambda: now[0])
    assert await prepared(directory, "@cid") == Mentions()
    members.ids["cid"] = "u3"
    assert await prepared(directory, "@cid") == Mentions()
    now[0] = MISSING_SECONDS
    assert await prepared(directory, "@cid") == Mentions(("u3",))
    assert members.asked == [{"cid"}, {"cid"}]
