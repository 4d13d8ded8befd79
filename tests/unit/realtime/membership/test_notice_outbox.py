"""Notices of changes reach the logs of rooms once, in the order of the changes, whatever the store answers."""

import asyncio
from collections.abc import Sequence
from typing import cast

import pytest

from cloudchat.broker.appends import AppendCallback, Appended
from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.messages.service import MessageService
from cloudchat.realtime.membership.notice_outbox import NoticeOutbox
from cloudchat.realtime.membership.room_hints import RoomHints
from cloudchat.rooms.changes.repository import PendingNotice

pytestmark = pytest.mark.anyio


class World:
    """A database with pending notices, and a store that refuses those in `refused`. `steps` has what was done."""

    def __init__(self, *pending: tuple[str, int]) -> None:
        self.pending = [PendingNotice(room, version, b'{"kind":"topic"}', 0.0) for room, version in pending]
        self.refused: set[tuple[str, int]] = set()
        self.read: asyncio.Queue[bool] = asyncio.Queue()
        """Whether the database has answered, for each question."""
        self.is_away = False
        self.steps: list[str] = []
        self.hints = RoomHints()
        self.outbox = NoticeOutbox(
            self,
            cast(MessageService, self),
            self.raise_version,
            self.hints,
            lambda: self.steps.append("tell the others"),
        )

    async def pending_notices(self, room_id: str | None = None) -> Sequence[PendingNotice]:
        self.read.put_nowait(not self.is_away)
        if self.is_away:
            raise DatabaseUnavailable
        return [notice for notice in self.pending if room_id in (None, notice.room_id)]

    async def notice_appended(self, room_id: str, version: int) -> None:
        assert f"append {room_id} {version}" in self.steps
        self.pending = [notice for notice in self.pending if (notice.room_id, notice.version) != (room_id, version)]

    def notice(self, room: str, cid: str, notice: bytes, at: float, version: int, on_done: AppendCallback) -> None:
        if (room, version) in self.refused:
            on_done(BrokerUnavailable("away"))
            return
        self.steps.append(f"append {room} {version}")
        on_done(Appended(1, "e1", "", False))

    async def raise_version(self, room: str, version: int) -> None:
        self.steps.append(f"raise {room} {version}")

    @property
    def left(self) -> list[tuple[str, int]]:
        return [(notice.room_id, notice.version) for notice in self.pending]


async def test_notices_are_appended_in_order_and_then_forgotten() -> None:
    world = World(("a", 2), ("b", 7), ("a", 3))
    await world.outbox.append_pending()
    assert world.steps == ["append a 2", "append b 7", "append a 3"]
    assert world.left == []


async def test_a_notice_that_could_not_be_appended_is_not_overtaken_in_its_room() -> None:
    world = World(("a", 2), ("b", 7), ("a", 3))
    world.refused = {("a", 2)}
    await world.outbox.append_pending()
    assert world.steps == ["append b 7"]
    assert world.left == [("a", 2), ("a", 3)]
    world.refused = set()
    await world.outbox.append_pending()
    assert world.steps[1:] == ["append a 2", "append a 3"]


@pytest.mark.parametrize("pending", [[("a", 2)], []], ids=["with a notice", "without a notice"])
async def test_a_change_takes_effect_in_the_store_before_the_processes_are_woken(
    pending: list[tuple[str, int]],
) -> None:
    """A mute has no notice: without the version, the store would accept messages of the muted user."""
    world = World(*pending)
    woken = world.hints.flag()
    await world.outbox.announce("a", 2)
    assert world.steps == [*(f"append {room} {version}" for room, version in pending), "raise a 2", "tell the others"]
    assert woken.is_set()


async def test_each_hint_appends_what_other_processes_have_left() -> None:
    world = World(("a", 2))
    world.is_away = True
    running = asyncio.create_task(world.outbox.run())
    await asyncio.sleep(0)
    world.hints.wake()
    assert not await world.read.get()
    world.is_away = False
    for _ in range(2):
        world.hints.wake()
        assert await world.read.get()
    assert world.left == []
    running.cancel()
