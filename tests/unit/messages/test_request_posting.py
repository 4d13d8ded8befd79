"""A message over HTTP is posted with the rights that its author has in the moment of the append."""

from collections.abc import Collection, Mapping

import pytest
from msgspec.structs import replace

from cloudchat.auth.principal import CHAT_WRITE, Principal
from cloudchat.broker.appends import AppendCallback, Appended, Change, Entry, Refusal, Refused
from cloudchat.messages.mention_directory import MentionDirectory
from cloudchat.messages.request_posting import MAX_ATTEMPTS, RequestPosting
from cloudchat.messages.service import RoomLogMessageService
from cloudchat.protocol.commands import Send
from cloudchat.protocol.errors import Error, ErrorCode
from cloudchat.rooms.summaries.summary import RoomSummary

pytestmark = pytest.mark.anyio

ANN = Principal("u1", "ann", "member", frozenset({CHAT_WRITE}), "s1", 4e9, "access")
CID = "00000000-0000-4000-8000-000000000001"
APPENDED = Appended(seq=1, epoch="e1", at="", duplicate=False)


class Installation:
    """A room in the database, in the store and in this process, each of which knows a version of it."""

    def __init__(self) -> None:
        self.room: RoomSummary | None = RoomSummary("room", "room", "private", version=1)
        self.versions: dict[str, int] = {}
        self.store_version = 1
        self.entries: list[Entry] = []
        self.removed_during_lookup = False
        self.changes_all_the_time = False
        messages = RoomLogMessageService(self, MentionDirectory(self.member_ids, self.versions), self.versions)
        mentions = MentionDirectory(self.member_ids, self.versions)
        self.posting = RequestPosting(messages, mentions, self.versions, self.refresh)

    async def membership(self, user_id: str, room_id: str) -> RoomSummary | None:
        room = self.room
        if self.changes_all_the_time:
            self.store_version += 1
        return room

    async def member_ids(self, room_id: str, keys: Collection[str]) -> Mapping[str, str]:
        if self.removed_during_lookup:  # and the process knows it already
            self.room = None
            self.versions["room"] = self.store_version = 2
        return {}

    async def refresh(self, room_id: str, version: int) -> None:
        assert self.room is not None
        if self.room.version < version and not self.changes_all_the_time:
            self.room = replace(self.room, version=version)
            self.versions["room"] = version

    def append(self, entry: Entry, on_done: AppendCallback) -> None:
        if entry.version < self.store_version:
            on_done(Refused(Refusal.STALE, self.store_version))
        else:
            self.entries.append(entry)
            on_done(APPENDED)

    def change(self, change: Change, on_done: AppendCallback) -> None:
        raise NotImplementedError


async def test_a_member_who_is_removed_during_the_lookup_of_names_cannot_post() -> None:
    installation = Installation()
    installation.removed_during_lookup = True
    outcome = await installation.posting.post(
        ANN, Send(room="room", cid=CID, text="hello @bob"), installation.membership
    )
    assert isinstance(outcome, Error)
    assert outcome.code is ErrorCode.NOT_FOUND
    assert installation.entries == []


async def test_a_database_that_is_older_than_the_store_is_brought_up_to_date() -> None:
    installation = Installation()
    installation.store_version = 7
    outcome = await installation.posting.post(ANN, Send(room="room", cid=CID, text="hello"), installation.membership)
    assert outcome == APPENDED
    assert [entry.version for entry in installation.entries] == [7]


async def test_a_room_that_changes_all_the_time_does_not_hold_a_request_for_ever() -> None:
    installation = Installation()
    installation.changes_all_the_time = True
    outcome = await installation.posting.post(ANN, Send(room="room", cid=CID, text="hello"), installation.membership)
    assert isinstance(outcome, Error)
    assert outcome.code is ErrorCode.UNAVAILABLE
    assert installation.store_version == 1 + MAX_ATTEMPTS
