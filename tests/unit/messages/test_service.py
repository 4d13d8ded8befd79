"""`RoomLogMessageService.post`: the permission checks, and the event that is appended."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from cloudchat.auth.principal import CHAT_READ, CHAT_WRITE, Principal
from cloudchat.broker.appends import AppendCallback, Appended, AppendOutcome, Change, Entry
from cloudchat.broker.reads import HistoryRange, HistoryRows, Page, Unread, UnreadQuery
from cloudchat.core.stream_position import StreamPosition
from cloudchat.messages.mention_directory import MentionDirectory
from cloudchat.messages.service import RoomLogMessageService
from cloudchat.protocol.commands import Delete, Edit, React, Send
from cloudchat.protocol.errors import Error, ErrorCode
from cloudchat.rooms.summaries.summary import RoomSummary

CID = "00000000-0000-4000-8000-000000000001"
NOW = 1_800_000_000.25
LOBBY = RoomSummary("lobby", "lobby", "public")


async def no_members(room_id: str, keys: Collection[str]) -> Mapping[str, str]:
    return {}


NO_MENTIONS = MentionDirectory(no_members, {})
APPENDED = Appended(seq=1, epoch="e1", at="2027-01-15T08:00:00.250Z", duplicate=False)


class FakeBroker:
    """Answers every append immediately."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.changes: list[Change] = []

    def append(self, entry: Entry, on_done: AppendCallback) -> None:
        self.entries.append(entry)
        on_done(APPENDED)

    async def read(self, room: str, after: int, limit: int) -> Page:
        raise NotImplementedError

    def change(self, change: Change, on_done: AppendCallback) -> None:
        self.changes.append(change)
        on_done(APPENDED)

    async def history(self, room: str, wanted: HistoryRange) -> HistoryRows:
        raise NotImplementedError

    async def newest(self, room: str, limit: int, max_bytes: int) -> Page:
        raise NotImplementedError

    async def heads(self, rooms: Sequence[str]) -> list[StreamPosition]:
        raise NotImplementedError

    async def recent_heads(self, rooms: Sequence[str]) -> list[StreamPosition]:
        raise NotImplementedError

    async def unread(self, user: str, queries: Sequence[UnreadQuery]) -> list[Unread]:
        raise NotImplementedError

    def subscribe(self, room: str) -> None:
        raise NotImplementedError

    def unsubscribe(self, room: str) -> None:
        raise NotImplementedError


def ann(scopes: Iterable[str] = (CHAT_READ, CHAT_WRITE)) -> Principal:
    return Principal("u1", "ann", "member", frozenset(scopes), "s1", NOW + 600, "access")


def no_outcome(outcome: AppendOutcome) -> None:
    raise AssertionError("a rejected message has no outcome")


def test_message_is_appended_with_its_author_and_time() -> None:
    broker = FakeBroker()
    outcomes: list[AppendOutcome] = []
    command = Send(id="7", room="lobby", cid=CID, text="héllo", reply_to=3)
    assert RoomLogMessageService(broker, NO_MENTIONS, {}).post(ann(), LOBBY, command, NOW, outcomes.append) is None
    (entry,) = broker.entries
    assert (entry.room, entry.user, entry.cid, entry.kind) == ("lobby", "u1", CID, "message")
    assert json.loads(b"{" + entry.body) == {
        "cid": CID,
        "user": {"id": "u1", "name": "ann"},
        "text": "héllo",
        "at": "2027-01-15T08:00:00.250Z",
        "reply_to": 3,
    }
    assert outcomes == [APPENDED]


def test_a_message_sent_with_an_api_token_is_that_of_a_bot() -> None:
    broker = FakeBroker()
    command = Send(room="lobby", cid=CID, text="the build is green")
    author = replace(ann(), kind="api")
    assert (
        RoomLogMessageService(broker, NO_MENTIONS, {}).post(author, LOBBY, command, NOW, lambda outcome: None) is None
    )
    assert json.loads(b"{" + broker.entries[0].body)["user"] == {"id": "u1", "name": "ann", "bot": True}


def test_token_without_the_write_scope_is_rejected() -> None:
    broker = FakeBroker()
    command = Send(id="7", room="lobby", cid=CID, text="hello")
    error = RoomLogMessageService(broker, NO_MENTIONS, {}).post(ann([CHAT_READ]), LOBBY, command, NOW, no_outcome)
    assert error is not None
    assert (error.code, error.id) == (ErrorCode.FORBIDDEN, "7")
    assert broker.entries == []


@pytest.mark.parametrize(
    "command",
    [
        Edit(id="7", room="lobby", cid=CID, seq=1, text="changed"),
        Delete(id="7", room="lobby", cid=CID, seq=1),
        React(id="7", room="lobby", cid=CID, seq=1, emoji="👍", on=True),
    ],
    ids=lambda command: type(command).__name__,
)
def test_each_change_needs_the_write_scope_and_the_room(command: Edit | Delete | React) -> None:
    broker = FakeBroker()
    service = RoomLogMessageService(broker, NO_MENTIONS, {})
    for author, room, code in (
        (ann([CHAT_READ]), LOBBY, ErrorCode.FORBIDDEN),
        (ann(), replace(LOBBY, role="reader"), ErrorCode.FORBIDDEN),
        (ann(), replace(LOBBY, muted_until=NOW + 60), ErrorCode.MUTED),
        (ann(), None, ErrorCode.NOT_FOUND),
    ):
        error = service.change(author, room, command, NOW, no_outcome)
        assert error is not None
        assert (error.code, error.id) == (code, "7")
    assert broker.changes == []


def test_room_that_the_author_is_not_in_is_not_found() -> None:
    broker = FakeBroker()
    command = Send(id="7", room="secret", cid=CID, text="hello")
    error = RoomLogMessageService(broker, NO_MENTIONS, {}).post(ann(), None, command, NOW, no_outcome)
    assert error is not None
    assert (error.code, error.id, error.field) == (ErrorCode.NOT_FOUND, "7", "room")
    assert broker.entries == []


def post_in(service: RoomLogMessageService, room: RoomSummary) -> Error | None:
    command = Send(id="7", room=room.id, cid=CID, text="hello")
    return service.post(ann(), room, command, NOW, lambda outcome: None)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"archived": True}, ErrorCode.FORBIDDEN),
        ({"role": "reader"}, ErrorCode.FORBIDDEN),
        ({"muted_until": NOW + 60}, ErrorCode.MUTED),
    ],
)
def test_message_that_the_room_does_not_allow_is_rejected(change: dict[str, Any], code: ErrorCode) -> None:
    broker = FakeBroker()
    error = post_in(RoomLogMessageService(broker, NO_MENTIONS, {}), replace(LOBBY, **change))
    assert error is not None
    assert (error.code, error.id) == (code, "7")
    assert error.retryable == (error.retry_after_ms is not None)
    assert broker.entries == []


def test_the_store_is_told_the_slow_mode_and_the_version_of_the_room() -> None:
    broker = FakeBroker()
    slow = replace(LOBBY, slow_mode_seconds=10, version=3)
    assert post_in(RoomLogMessageService(broker, NO_MENTIONS, {}), slow) is None
    assert post_in(RoomLogMessageService(broker, NO_MENTIONS, {"lobby": 5}), replace(slow, role="moderator")) is None
    assert [(entry.slow_mode_ms, entry.version) for entry in broker.entries] == [(10_000, 3), (0, 5)]
