"""`RoomLogMessageService.post`: the permission checks, and the event that is appended."""

import json
from collections.abc import Iterable

import pytest

from cloudchat.auth.principal import CHAT_READ, CHAT_WRITE, Principal
from cloudchat.broker.broker import (
    AppendCallback,
    Appended,
    AppendOutcome,
    Change,
    Entry,
    HistoryRange,
    HistoryRows,
    Page,
    Refusal,
    Refused,
)
from cloudchat.messages.service import RoomLogMessageService, RoomRules, refusal_error
from cloudchat.protocol.commands import Delete, Edit, React, Send
from cloudchat.protocol.errors import ErrorCode
from cloudchat.protocol.events import NoticeBody, User
from cloudchat.rooms.service import RoomSummary

CID = "00000000-0000-4000-8000-000000000001"
NOW = 1_800_000_000.25
LOBBY = {"lobby": RoomSummary("lobby", "lobby", "public", 0, "")}
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
    assert RoomLogMessageService(broker).post(ann(), LOBBY, command, NOW, outcomes.append) is None
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


def test_token_without_the_write_scope_is_rejected() -> None:
    broker = FakeBroker()
    command = Send(id="7", room="lobby", cid=CID, text="hello")
    error = RoomLogMessageService(broker).post(ann([CHAT_READ]), LOBBY, command, NOW, no_outcome)
    assert error is not None
    assert (error.code, error.id) == (ErrorCode.FORBIDDEN, "7")
    assert broker.entries == []


def test_room_that_the_author_is_not_in_is_not_found() -> None:
    broker = FakeBroker()
    command = Send(id="7", room="secret", cid=CID, text="hello")
    error = RoomLogMessageService(broker).post(ann(), LOBBY, command, NOW, no_outcome)
    assert error is not None
    assert (error.code, error.id, error.field) == (ErrorCode.NOT_FOUND, "7", "room")
    assert broker.entries == []


@pytest.mark.parametrize(
    ("command", "kind", "fields"),
    [
        (Edit(room="lobby", cid=CID, seq=3, text="new"), "edited", {"text": "new"}),
        (Delete(room="lobby", cid=CID, seq=3), "deleted", {}),
        (React(room="lobby", cid=CID, seq=3, emoji="👍", on=True), "reaction", {"emoji": "👍", "on": True}),
    ],
)
def test_a_change_is_passed_on_with_its_target_and_the_rules(
    command: Edit | Delete | React, kind: str, fields: dict[str, object]
) -> None:
    broker = FakeBroker()
    outcomes: list[AppendOutcome] = []
    rules = RoomRules(version=7, moderates=True, slow_mode_ms=5000)
    service = RoomLogMessageService(broker)
    assert service.change(ann(), LOBBY, command, NOW, outcomes.append, rules) is None
    (change,) = broker.changes
    event = change.event
    assert (event.room, event.user, event.cid, event.kind, event.version) == ("lobby", "u1", CID, kind, 7)
    assert event.slow_mode_ms == 0, "slow mode is for messages"
    assert (change.target, change.moderates, change.on) == (3, True, kind == "reaction")
    assert json.loads(b"{" + event.body) == {
        "target": 3,
        "user": {"id": "u1", "name": "ann"},
        **fields,
        "at": "2027-01-15T08:00:00.250Z",
    }
    assert outcomes == [APPENDED]
    assert service.change(ann([CHAT_READ]), LOBBY, command, NOW, no_outcome) is not None
    assert service.change(ann(), {}, command, NOW, no_outcome) is not None
    assert len(broker.changes) == 1


def test_a_notice_is_appended_with_the_new_version() -> None:
    broker = FakeBroker()
    outcomes: list[AppendOutcome] = []
    notice = NoticeBody(kind="added", user=User(id="u1", name="ann"), at="t", target=User(id="u2", name="bob"))
    RoomLogMessageService(broker).notice("lobby", CID, notice, 8, outcomes.append)
    (entry,) = broker.entries
    assert (entry.kind, entry.user, entry.cid, entry.at, entry.version) == ("notice", "u1", CID, "t", 8)
    assert json.loads(b"{" + entry.body)["target"] == {"id": "u2", "name": "bob"}
    assert outcomes == [APPENDED]


@pytest.mark.parametrize(
    ("refused", "code", "retry_after_ms"),
    [
        (Refused(Refusal.STALE, 9), ErrorCode.UNAVAILABLE, 500),
        (Refused(Refusal.SLOW_MODE, 1234), ErrorCode.RATE_LIMITED, 1234),
        (Refused(Refusal.NOT_FOUND), ErrorCode.NOT_FOUND, None),
        (Refused(Refusal.FORBIDDEN), ErrorCode.FORBIDDEN, None),
        (Refused(Refusal.FULL), ErrorCode.CONFLICT, None),
    ],
)
def test_each_refusal_is_an_error(refused: Refused, code: ErrorCode, retry_after_ms: int | None) -> None:
    error = refusal_error(refused, "7")
    assert (error.code, error.id, error.retry_after_ms) == (code, "7", retry_after_ms)
