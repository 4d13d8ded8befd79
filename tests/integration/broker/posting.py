"""Several users who post and change messages in one room, through the message service of one process."""

import asyncio
import json
import uuid
from collections.abc import Callable, Collection, Mapping
from typing import Any, cast

import redis
from msgspec.structs import replace

from cloudchat.auth.principal import CHAT_WRITE, Principal
from cloudchat.broker.appends import AppendCallback, Appended, AppendOutcome, ArchivedMessage, Change
from cloudchat.broker.broker import Broker
from cloudchat.broker.reads import HistoryRange
from cloudchat.broker.redis_broker import RedisBroker
from cloudchat.core.timestamps import rfc3339
from cloudchat.messages.mention_directory import MentionDirectory
from cloudchat.messages.service import RoomLogMessageService
from cloudchat.protocol.commands import Delete, Edit, React, Send
from cloudchat.protocol.events import User, encoder
from cloudchat.protocol.logged_events import NoticeBody
from cloudchat.rooms.summaries.summary import RoomSummary
from support.stores import RunningStore

NOW = 1_800_000_000.25
NEWEST = HistoryRange.before_seq(2**53 - 1, 200)


async def no_members(room_id: str, keys: Collection[str]) -> Mapping[str, str]:
    return {}


FindArchived = Callable[[int], ArchivedMessage | None]


class _BrokerWithArchive:
    """Adds to each change what the archive knows of its target."""

    def __init__(self, broker: RedisBroker, find_archived: FindArchived) -> None:
        self.append = broker.append
        self._broker = broker
        self._find_archived = find_archived

    def change(self, change: Change, on_done: AppendCallback) -> None:
        self._broker.change(replace(change, archived=self._find_archived(change.target)), on_done)


class Room:
    """A room to which several users post through the message service of one process."""

    def __init__(
        self, broker: RedisBroker, id: str | None = None, find_archived: FindArchived = lambda target: None
    ) -> None:
        """`find_archived` returns what the archive knows of a message."""
        self.id = id or f"room-{uuid.uuid4().hex[:8]}"
        self.broker = broker
        with_archive = cast(Broker, _BrokerWithArchive(broker, find_archived))
        self._messages = RoomLogMessageService(with_archive, MentionDirectory(no_members, {}), {})

    async def send(
        self,
        text: str,
        *,
        user: str = "ann",
        cid: str | None = None,
        version: int = 0,
        slow_mode_ms: int = 0,
        reply_to: int | None = None,
    ) -> AppendOutcome:
        command = Send(room=self.id, cid=cid or str(uuid.uuid4()), text=text, reply_to=reply_to)
        answer = self._answer()
        room = replace(self._room(), version=version, slow_mode_seconds=slow_mode_ms // 1000)
        assert self._messages.post(principal(user), room, command, NOW, answer.set_result) is None
        return await asyncio.wait_for(answer, 10)

    async def edit(self, seq: int, text: str, *, user: str = "ann", cid: str | None = None) -> AppendOutcome:
        return await self._change(Edit(room=self.id, cid=cid or str(uuid.uuid4()), seq=seq, text=text), user)

    async def delete(
        self, seq: int, *, user: str = "ann", cid: str | None = None, moderates: bool = False
    ) -> AppendOutcome:
        return await self._change(Delete(room=self.id, cid=cid or str(uuid.uuid4()), seq=seq), user, moderates)

    async def react(
        self, seq: int, emoji: str = "👍", *, on: bool = True, user: str = "ann", cid: str | None = None
    ) -> AppendOutcome:
        command = React(room=self.id, cid=cid or str(uuid.uuid4()), seq=seq, emoji=emoji, on=on)
        return await self._change(command, user)

    async def notice(self, version: int, cid: str | None = None) -> AppendOutcome:
        answer = self._answer()
        notice = encoder.encode(NoticeBody(kind="removed", user=User(id="ann", name="ann"), at=rfc3339(NOW)))
        self._messages.notice(self.id, cid or str(uuid.uuid4()), notice, NOW, version, answer.set_result)
        return await asyncio.wait_for(answer, 10)

    async def events(self) -> list[dict[str, Any]]:
        """Return the whole log."""
        events: list[dict[str, Any]] = []
        while (page := await self.broker.read(self.id, events[-1]["seq"] if events else 0, 500)).events:
            assert not events or page.first == events[-1]["seq"] + 1
            events += map(json.loads, page.events)
        return events

    async def rows(self, wanted: HistoryRange = NEWEST) -> list[dict[str, Any]]:
        return [json.loads(row) for row in (await self.broker.history(self.id, wanted)).rows]

    async def _change(self, command: Edit | Delete | React, user: str, moderates: bool = False) -> AppendOutcome:
        answer = self._answer()
        room = self._room("moderator" if moderates else "member")
        assert self._messages.change(principal(user), room, command, NOW, answer.set_result) is None
        return await asyncio.wait_for(answer, 10)

    def _room(self, role: str = "member") -> RoomSummary:
        return RoomSummary(self.id, "a room", "public", role=role, version=0)

    def _answer(self) -> "asyncio.Future[AppendOutcome]":
        return asyncio.get_running_loop().create_future()


def principal(user: str) -> Principal:
    return Principal(user, user, "member", frozenset([CHAT_WRITE]), "session", NOW + 600, "access")


def seq_of(outcome: AppendOutcome) -> int:
    assert isinstance(outcome, Appended), outcome
    assert not outcome.duplicate
    return outcome.seq


def is_duplicate_of(outcome: AppendOutcome, seq: int) -> bool:
    return isinstance(outcome, Appended) and outcome.duplicate and outcome.seq == seq


def stored_bytes(store: RunningStore, room: str) -> bytes:
    """Return everything that the store has of a room, also what it has marked as deleted."""
    with redis.Redis(port=store.port) as other:
        return b"".join(name + (other.dump(name) or b"") for name in other.scan_iter(match=f"cloudchat:{{{room}}}:*"))
