"""How much work presence costs at most, whatever happens at once."""

import time
from collections.abc import Collection, Sequence
from typing import cast

import pytest

from cloudchat.realtime.connection_registry import ConnectionRegistry
from cloudchat.realtime.ephemeral.local_presence import GRACE_SECONDS, LocalPresence
from cloudchat.realtime.ephemeral.presence_delivery import (
    PUSHES_PER_SECOND,
    TICK_SECONDS,
    USERS_PER_TICK,
    PresenceDelivery,
)
from cloudchat.realtime.ephemeral.presence_view import PresenceView
from cloudchat.realtime.hub import Hub
from cloudchat.rooms.members.repository import RoomMember

pytestmark = pytest.mark.anyio

SOCKETS = 10
"""In each room of this process."""


class World:
    """A delivery whose users are each in `rooms_of_each` rooms. It counts what a tick costs."""

    def __init__(self, rooms_of_each: int) -> None:
        self.online: set[str] = set()
        self.pushed: list[tuple[str, str]] = []
        self.looked_up: list[int] = []
        self._rooms_of_each = rooms_of_each
        self._now = time.monotonic()
        self.delivery = PresenceDelivery(
            cast(PresenceView, self), self, cast(ConnectionRegistry, self), cast(Hub, self)
        )

    def is_online(self, user_id: str) -> bool:
        return user_id in self.online

    async def memberships_in_small_rooms(self, user_ids: Collection[str], max_members: int) -> Sequence[RoomMember]:
        self.looked_up.append(len(user_ids))
        rooms = range(self._rooms_of_each)
        return [RoomMember(f"room {number}", user, user) for user in user_ids for number in rooms]

    async def members_of(self, room_id: str) -> Sequence[RoomMember]:
        return []

    def size_of(self, room_id: str) -> int:
        return SOCKETS

    def connections_of(self, user_id: str) -> list[str]:
        return []

    def deliver_ephemeral(self, room_id: str, frame: bytes, skip: Collection[object]) -> None:
        self.pushed.append((room_id, frame.decode(errors="replace")))

    async def ticks(self, seconds: float) -> list[int]:
        """Return how many frames each tick has pushed."""
        pushed = []
        for _ in range(int(seconds / TICK_SECONDS)):
            before = len(self.pushed)
            self._now += TICK_SECONDS
            await self.delivery.tick(self._now)
            pushed.append(SOCKETS * (len(self.pushed) - before))
        return pushed


async def test_three_thousand_users_at_once_are_small_steps() -> None:
    world = World(rooms_of_each=1)
    users = [f"user {number}" for number in range(3000)]
    world.online.update(users)
    world.delivery.changed(users)
    pushed = await world.ticks(10)
    assert sum(pushed) == 3000 * SOCKETS
    assert world.looked_up[:30] == [USERS_PER_TICK] * 30
    assert max(pushed) <= USERS_PER_TICK * SOCKETS


async def test_users_with_hundreds_of_rooms_do_not_exceed_the_pushes_of_a_second() -> None:
    """A tick delivered all rooms of its users: 100 users with 500 rooms each blocked the event loop for seconds."""
    world = World(rooms_of_each=500)
    users = [f"user {number}" for number in range(10)]
    world.online.update(users)
    world.delivery.changed(users)
    pushed = await world.ticks(8)
    assert sum(pushed) == 10 * 500 * SOCKETS
    assert max(pushed) <= PUSHES_PER_SECOND + SOCKETS
    assert sum(pushed[:8]) <= 3 * PUSHES_PER_SECOND


async def test_user_who_is_gone_before_all_rooms_know_is_not_announced_as_online_to_the_rest() -> None:
    world = World(rooms_of_each=2500)
    world.online.add("ann")
    world.delivery.changed(["ann"])
    await world.ticks(TICK_SECONDS)
    world.online.clear()
    world.delivery.changed(["ann"])
    await world.ticks(8)
    last = dict(world.pushed)
    assert len(last) == 2500
    assert all('"online":false' in frame for frame in last.values())


def test_user_who_flaps_as_fast_as_possible_is_announced_twice_in_five_seconds_at_most() -> None:
    """The worst case: away just long enough to be announced as gone, again and again."""
    local = LocalPresence()
    announced, now = 0, 0.0
    for _ in range(100):
        local.socket_opened("ann")
        announced += sum(map(len, local.take_changes(now)))
        local.socket_closed("ann", now)
        now += GRACE_SECONDS
        announced += sum(map(len, local.take_changes(now)))
    assert announced <= 2 * now / GRACE_SECONDS
