"""Tell the members of small rooms who comes and goes, and answer `who`.

The work is bounded, whatever happens at once: in each tick at most `USERS_PER_TICK` users are looked up, with one
query, and at most `PUSHES_PER_SECOND` frames are pushed. What exceeds it waits for the next tick. A user whose state
has changed back by then costs nothing.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.protocol import events, replies
from cloudchat.protocol.framing import text_frame
from cloudchat.rate_limiting.token_bucket import TokenBucket
from cloudchat.realtime.connection_registry import ConnectionRegistry
from cloudchat.realtime.ephemeral.presence_view import PresenceView
from cloudchat.realtime.hub import Hub
from cloudchat.rooms.members.repository import RoomMember

logger = logging.getLogger(__name__)

MAX_MEMBERS = 100
"""Rooms with more members get no `presence`; their clients ask `who`."""
MAX_LISTED = 200
TICK_SECONDS = 0.25
USERS_PER_TICK = 100
PUSHES_PER_SECOND = 10_000
"""About a tenth of a core."""


class MemberReader(Protocol):
    """What is needed of SQL. Both methods raise `DatabaseUnavailable`."""

    async def memberships_in_small_rooms(self, user_ids: Collection[str], max_members: int) -> Sequence[RoomMember]:
        """Return the memberships of users in rooms with at most so many members."""

    async def members_of(self, room_id: str) -> Sequence[RoomMember]:
        """Return all members of a room, by name."""


class PresenceDelivery:
    """Delivers to the sockets of this process what the view of all processes says."""

    def __init__(self, view: PresenceView, reader: MemberReader, registry: ConnectionRegistry, hub: Hub) -> None:
        self._view = view
        self._reader = reader
        self._registry = registry
        self._hub = hub
        self._changed: dict[str, None] = {}
        """Users whose state may differ from what was delivered."""
        self._delivered: set[str] = set()
        """Users who are online, as far as it was delivered."""
        self._due: deque[RoomMember] = deque()
        """The rooms that must still be told of users that were looked up."""
        self._pushes = TokenBucket(PUSHES_PER_SECOND, PUSHES_PER_SECOND, time.monotonic())
        self._wake = asyncio.Event()

    def changed(self, users: Iterable[str]) -> None:
        """Note users whose state in the view may have changed."""
        for user_id in users:
            if self._view.is_online(user_id) == (user_id in self._delivered):
                self._changed.pop(user_id, None)
            else:
                self._changed[user_id] = None
        if self._changed:
            self._wake.set()

    async def run(self) -> None:
        """Deliver changes, until cancelled."""
        while True:
            await self._wake.wait()
            try:
                await self.tick(time.monotonic())
            except DatabaseUnavailable:
                logger.warning("presence cannot be delivered: the database does not answer")
            await asyncio.sleep(TICK_SECONDS)

    async def tick(self, now: float) -> None:
        """Deliver the next changes, as far as the budget allows. Raises `DatabaseUnavailable`."""
        if self._pushes.wait_ms(now):
            return
        if not self._due:
            await self._look_up()
        while self._due and not self._pushes.wait_ms(now):
            member = self._due.popleft()
            size = self._hub.size_of(member.room_id)
            if size:
                self._pushes.overdraw(size, now)
                self._deliver(member)
        if not self._changed and not self._due:
            self._wake.clear()

    async def _look_up(self) -> None:
        """Look up the rooms of the next users. If a user changes before all know it, all are told again."""
        users = list(self._changed)[:USERS_PER_TICK]
        self._due.extend(await self._reader.memberships_in_small_rooms(users, MAX_MEMBERS))
        for user_id in users:
            self._changed.pop(user_id, None)
            (self._delivered.add if self._view.is_online(user_id) else self._delivered.discard)(user_id)

    def _deliver(self, member: RoomMember) -> None:
        user = events.User(id=member.user_id, name=member.user_name)
        presence = events.Presence(room=member.room_id, user=user, online=self._view.is_online(member.user_id))
        own = {connection.socket for connection in self._registry.connections_of(member.user_id)}
        self._hub.deliver_ephemeral(member.room_id, text_frame(events.encode(presence)), skip=own)

    async def present(self, id: str | None, room_id: str) -> replies.Present:
        """Return the reply to `who`. Raises `DatabaseUnavailable`."""
        members = await self._reader.members_of(room_id)
        online = [member for member in members if self._view.is_online(member.user_id)]
        users = [events.User(id=member.user_id, name=member.user_name) for member in online[:MAX_LISTED]]
        return replies.Present(id=id, room=room_id, users=users, total=len(online))
