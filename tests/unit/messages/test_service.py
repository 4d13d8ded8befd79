"""`RoomLogMessageService.post`: the permission checks, and the event that is appended."""

import json
from collections.abc import Iterable

from cloudchat.auth.principal import CHAT_READ, CHAT_WRITE, Principal
from cloudchat.broker.broker import AppendCallback, Appended, BrokerUnavailable, Entry, Page
from cloudchat.core.stream_position import StreamPosition
from cloudchat.messages.service import RoomLogMessageService
from cloudchat.protocol.commands import Send
from cloudchat.protocol.errors import ErrorCode
from cloudchat.rooms.service import RoomSummary

CID = "00000000-0000-4000-8000-000000000001"
NOW = 1_800_000_000.25
LOBBY = {"lobby": RoomSummary("lobby", "lobby", "public", 0, "")}
APPENDED = Appended(seq=1, epoch="e1", at="2027-01-15T08:00:00.250Z", duplicate=False)


class FakeBroker:
    """Answers every append immediately."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def append(self, entry: Entry, on_done: AppendCallback) -> None:
        self.entries.append(entry)
        on_done(APPENDED)

    async def read(self, room: str, after: int, limit: int) -> Page:
        raise NotImplementedError

    async def read_before(self, room: str, before: int, limit: int) -> Page:
        raise NotImplementedError

    async def recent_head(self, room: str) -> StreamPosition:
        raise NotImplementedError

    def subscribe(self, room: str) -> None:
        raise NotImplementedError

    def unsubscribe(self, room: str) -> None:
        raise NotImplementedError


def ann(scopes: Iterable[str] = (CHAT_READ, CHAT_WRITE)) -> Principal:
    return Principal("u1", "ann", "member", frozenset(scopes), "s1", NOW + 600, "access")


def no_outcome(outcome: Appended | BrokerUnavailable) -> None:
    raise AssertionError("a rejected message has no outcome")


def test_message_is_appended_with_its_author_and_time() -> None:
    broker = FakeBroker()
    outcomes: list[Appended | BrokerUnavailable] = []
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
