"""Keep the rooms that connections hold equal to what SQL says, within two seconds, without relying on any message.

Every change of a room has a version, and SQL keeps the last version of each (room, user), and of changes that concern
all members. Each process asks for the changes of the last minutes and compares:

- A connection whose room is older than a change that concerns it gets the new state, and its client the event
  `room_added`, `room_changed` or `room_removed`.
- A connection that opens is compared with the same changes before it is accepted: what it was given may have been read
  before a change that this process has already applied.
- `versions` says up to which version of a room all connections of this process are right. Appends carry it, and the
  store refuses those whose room has a newer one; then `refresh` asks at once.
"""

import asyncio
import logging
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from msgspec.structs import replace

from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.core.stream_position import StreamPosition
from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.protocol import events
from cloudchat.realtime.connection import Connection
from cloudchat.realtime.connection_registry import ConnectionRegistry
from cloudchat.realtime.feeds.relay import Relay
from cloudchat.realtime.hub import Hub
from cloudchat.realtime.membership.departures import Departures
from cloudchat.realtime.membership.room_hints import RoomHints, wait
from cloudchat.realtime.membership.room_state import end_of, room_state
from cloudchat.rooms.changes.repository import RoomChange
from cloudchat.rooms.summaries.summary import RoomFacts, RoomSummary

logger = logging.getLogger(__name__)

OVERLAP_SECONDS = 300.0
"""A change is found although its transaction committed late, or its process has another time."""
MAX_PAIRS = 500
"""Memberships loaded by one query."""

_NUL = "\0"
"""PostgreSQL does not accept it in a text. No room has it in its id."""

UserAndRoom = tuple[str, str]
"""A user's id and a room's id."""


class NotInRoom(Exception):
    """The user is not in the room, or not any more."""


class RoomReader(Protocol):
    """What is needed of SQL. Every method raises `DatabaseUnavailable`."""

    async def room_changes_since(self, since: float) -> Sequence[RoomChange]:
        """Return the last changes of each (room, user) since an instant (seconds since 1970)."""

    async def room_changes_after(self, room_id: str, version: int) -> Sequence[RoomChange]:
        """Return the changes of one room after a version."""

    async def room_facts(self, room_ids: Collection[str]) -> Mapping[str, RoomFacts]:
        """Return what is the same for all members."""

    async def memberships(self, pairs: Collection[UserAndRoom]) -> Mapping[UserAndRoom, RoomSummary]:
        """Return rooms as their members see them. A pair that is no membership is missing."""

    async def bans(self, pairs: Collection[UserAndRoom]) -> Mapping[UserAndRoom, float]:
        """Return when bans end, in seconds since 1970. A pair without a ban is missing."""

    async def raise_room_version(self, room_id: str, version: int) -> None:
        """Raise the version of a room to at least this one."""


class RoomSync:
    """Compares the connections of this process with SQL."""

    def __init__(
        self,
        reader: RoomReader,
        registry: ConnectionRegistry,
        hub: Hub,
        relay: Relay,
        departures: Departures,
        hints: RoomHints,
    ) -> None:
        self._reader = reader
        self._registry = registry
        self._relay = relay
        self._hub = hub
        self._departures = departures
        self._hints = hints
        self._lock = asyncio.Lock()
        self._read_at = time.time()
        self._changes: dict[str, dict[str, int]] = {}
        """The changes of the last minutes, by the user that they concern ("": all members) and the room."""
        self._applied = self._changes
        """Those that were applied. Others are applied by the next sweep, when the database did not answer this one."""
        self._departed: list[UserAndRoom] = []
        """Departures for which SQL must still be asked whether the user has come back."""
        self.versions: dict[str, int] = {}
        """Up to which version of a room all changes have been applied to all connections of this process."""

    async def run(self) -> None:
        """Bring the connections up to date, until cancelled."""
        flag = self._hints.flag()
        while True:
            await wait(flag)
            try:
                await self.sweep()
            except DatabaseUnavailable:
                logger.warning("changes of rooms cannot be read")

    def changes_of(self, user_id: str) -> Mapping[str, int]:
        """Return the version of each room at its last change that concerns this user and has been applied here."""
        return self._changes.get(user_id, {})

    def is_outdated(self, user_id: str, rooms: Mapping[str, RoomSummary], seen: Mapping[str, int]) -> bool:
        """Return whether rooms that were loaded for a user are older than a change that has been applied here.

        There must be no `await` between this and the registration of the connection.

        Args:
            seen: What `changes_of` returned before the rooms were read from SQL, empty if that is not known.
        """
        of_all = self._changes.get("", {})
        for room_id, room in rooms.items():
            if room.version < of_all.get(room_id, 0):
                return True
        for room_id, version in self.changes_of(user_id).items():
            # A room that is missing after a change that was seen before is one that the user has left.
            if (rooms[room_id].version if room_id in rooms else seen.get(room_id, 0)) < version:
                return True
        return False

    async def sweep(self) -> None:
        """Apply what has changed since the last sweep. Raises `DatabaseUnavailable`."""
        async with self._lock:
            now = time.time()
            changes = await self._reader.room_changes_since(min(now, self._read_at) - OVERLAP_SECONDS)
            self._read_at = now
            await self._complete_departures()
            known = self._applied
            self._changes = _by_user(changes)
            await self._apply(
                [change for change in changes if known.get(change.user_id, {}).get(change.room_id) != change.version]
            )
            self._applied = self._changes
            count = len(self._departed)
            await self._load(self._departed[:count])  # the users may have come back
            del self._departed[:count]

    async def find(self, connection: Connection, room_id: str) -> None:
        """Look up a room that the connection does not have: a client may join it right after the response that made its
        user a member, which can come from another process.

        Raises `DatabaseUnavailable`, and `NotInRoom` if the user is not in the room.
        """
        if room_id not in connection.rooms and _NUL not in room_id:
            async with self._lock:
                await self._load([(connection.principal.user_id, room_id)])
        if room_id not in connection.rooms:
            raise NotInRoom

    async def is_member(self, connection: Connection, room_id: str, version: int) -> bool:
        """Return whether the connection is in a room at a version that the store knows. Raises like `sweep`."""
        if room_id in connection.rooms and self.versions.get(room_id, connection.rooms[room_id].version) < version:
            await self.refresh(room_id, version)
        return room_id in connection.rooms

    async def refresh(self, room_id: str, version: int) -> None:
        """Apply the changes of one room now, at least up to a version that the store knows. Raises like `sweep`."""
        async with self._lock:
            if self.versions.get(room_id, 0) >= version:
                return  # another refresh was faster
            facts = (await self._reader.room_facts([room_id])).get(room_id)
            if facts is None:
                return
            await self._apply(await self._reader.room_changes_after(room_id, self.versions.get(room_id, 0)))
            reached = facts.version
            if reached < version:
                # The database is an older copy: it must not hand out versions again that the store has seen.
                await self._reader.raise_room_version(room_id, version)
                reached = version
            self.versions[room_id] = max(reached, self.versions.get(room_id, 0))

    # -- applying -----------------------------------------------------------------------------------------------------

    async def _apply(self, changes: Sequence[RoomChange]) -> None:
        of_all = {change.room_id: change.version for change in changes if not change.user_id}
        await self._load([pair for change in changes if change.user_id for pair in self._outdated_pairs(change)])
        facts = await self._reader.room_facts(of_all) if of_all else {}
        if facts:
            for connection in self._registry.all():
                for room_id in of_all.keys() & connection.rooms.keys():
                    room = connection.rooms[room_id]
                    # With the version of the change, and not that of the facts, which may be a later one: a change in
                    # between that concerns this user alone has not been applied yet.
                    if room.version < of_all[room_id] and room_id in facts:
                        updated = replace(room.with_facts(facts[room_id]), version=of_all[room_id])
                        await self._update(connection, room_id, updated)
        for change in changes:
            self.versions[change.room_id] = max(change.version, self.versions.get(change.room_id, 0))

    def _outdated_pairs(self, change: RoomChange) -> list[UserAndRoom]:
        for connection in self._registry.connections_of(change.user_id):
            room = connection.rooms.get(change.room_id)
            if room is None or room.version < change.version:
                return [(change.user_id, change.room_id)]
        return []

    async def _complete_departures(self) -> None:
        """Send `room_removed` for the rooms that users have left by the log, also to those who have come back since."""
        # Users may leave while the bans are read: afterwards no departure is pending.
        while departed := self._departures.take():
            bans = await self._bans_of(departed)
            for user_id, room_id in departed:
                for connection in self._registry.connections_of(user_id):
                    if room_id not in connection.rooms:
                        self._remove(connection, room_id, bans.get((user_id, room_id)))
                self._departed.append((user_id, room_id))

    async def _load(self, pairs: Sequence[UserAndRoom]) -> None:
        """Load memberships and apply them."""
        for start in range(0, len(pairs), MAX_PAIRS):
            part = pairs[start : start + MAX_PAIRS]
            memberships = await self._reader.memberships(part)
            bans = await self._bans_of([pair for pair in part if pair not in memberships])
            await self._complete_departures()  # a room that is added again must first be removed
            for user_id, room_id in part:
                for connection in self._registry.connections_of(user_id):
                    room = memberships.get((user_id, room_id))
                    if room is not None:
                        await self._update(connection, room_id, room)
                    elif room_id in connection.rooms:
                        self._remove(connection, room_id, bans.get((user_id, room_id)))

    async def _update(self, connection: Connection, room_id: str, room: RoomSummary) -> None:
        """Give a connection the new state of a room."""
        held = connection.rooms.get(room_id)
        if held is not None and held.version > room.version:
            return
        connection.put_room(room)
        if held is None:
            connection.send(events.RoomAdded(room=room_state(room, await self._head_of(room_id))))
        elif _visible(held) != _visible(room):
            connection.send(events.RoomChanged(room=room_state(room, await self._head_of(room_id))))

    async def _bans_of(self, pairs: Sequence[UserAndRoom]) -> Mapping[UserAndRoom, float]:
        """Return when bans end. Without the database there are none: a departure must not wait for the reason of it."""
        try:
            return await self._reader.bans(pairs) if pairs else {}
        except DatabaseUnavailable:
            return {}

    def _remove(self, connection: Connection, room_id: str, banned_until: float | None) -> None:
        feed = connection.joined.pop(room_id, None)
        if feed is not None:
            self._hub.remove(room_id, connection.socket)
            self._relay.release(feed)
        connection.drop_room(room_id)
        connection.send(events.RoomRemoved(room=room_id, banned_until=end_of(banned_until)))

    async def _head_of(self, room_id: str) -> StreamPosition:
        try:
            return (await self._relay.heads_of([room_id]))[room_id]
        except BrokerUnavailable:
            return StreamPosition("", 0)  # the client joins without a position, and learns the head then


def _by_user(changes: Iterable[RoomChange]) -> dict[str, dict[str, int]]:
    by_user: dict[str, dict[str, int]] = {}
    for change in changes:
        by_user.setdefault(change.user_id, {})[change.room_id] = change.version
    return by_user


def _visible(room: RoomSummary) -> events.RoomState:
    """Return what the client knows of a room, except for what it learns by other events."""
    return room_state(replace(room, read_seq=0), StreamPosition("", 0))
