"""The objects that keep rooms up to date, over a database without changes."""

from collections.abc import Collection, Mapping, Sequence

from cloudchat.realtime.connection_registry import ConnectionRegistry, SocketLimits
from cloudchat.realtime.ephemeral.local_presence import LocalPresence
from cloudchat.realtime.feeds.relay import Relay
from cloudchat.realtime.hub import Hub
from cloudchat.realtime.membership.departures import Departures
from cloudchat.realtime.membership.room_hints import RoomHints
from cloudchat.realtime.membership.room_sync import RoomSync, UserAndRoom
from cloudchat.rooms.changes.repository import RoomChange
from cloudchat.rooms.summaries.summary import RoomFacts, RoomSummary


class UnchangedRooms:
    """A `RoomReader` that finds no change."""

    async def room_changes_since(self, since: float) -> Sequence[RoomChange]:
        return []

    async def room_changes_after(self, room_id: str, version: int) -> Sequence[RoomChange]:
        return []

    async def room_facts(self, room_ids: Collection[str]) -> Mapping[str, RoomFacts]:
        return {}

    async def memberships(self, pairs: Collection[UserAndRoom]) -> Mapping[UserAndRoom, RoomSummary]:
        return {}

    async def bans(self, pairs: Collection[UserAndRoom]) -> Mapping[UserAndRoom, float]:
        return {}

    async def raise_room_version(self, room_id: str, version: int) -> None:
        raise AssertionError("no room changes")


def no_departures(hub: Hub) -> Departures:
    return Departures(ConnectionRegistry(SocketLimits(), 20, LocalPresence()), hub, RoomHints())


def unchanged_rooms(hub: Hub, relay: Relay) -> RoomSync:
    registry = ConnectionRegistry(SocketLimits(), 20, LocalPresence())
    return RoomSync(UnchangedRooms(), registry, hub, relay, no_departures(hub), RoomHints())
