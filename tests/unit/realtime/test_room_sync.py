"""What a process does with changes of rooms when the database fails in between."""

from collections.abc import Collection, Mapping, Sequence

import pytest

from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.process.supervision import Supervisor
from cloudchat.realtime.connection_registry import ConnectionRegistry, SocketLimits
from cloudchat.realtime.ephemeral.local_presence import LocalPresence
from cloudchat.realtime.feeds.relay import Relay
from cloudchat.realtime.hub import Hub, RunningLoop
from cloudchat.realtime.membership.room_hints import RoomHints
from cloudchat.realtime.membership.room_sync import RoomSync
from cloudchat.rooms.changes.repository import RoomChange
from cloudchat.rooms.summary import RoomFacts
from unit.realtime.room_state import UnchangedRooms, no_departures
from unit.realtime.scripted_log import ScriptedLog

pytestmark = pytest.mark.anyio


class OneChange(UnchangedRooms):
    """A room that has changed for all members, in a database that does not answer the first query for its facts."""

    def __init__(self) -> None:
        self.asked = 0

    async def room_changes_since(self, since: float) -> Sequence[RoomChange]:
        return [RoomChange("office", "", 2)]

    async def room_facts(self, room_ids: Collection[str]) -> Mapping[str, RoomFacts]:
        self.asked += 1
        if self.asked == 1:
            raise DatabaseUnavailable
        return {}


def sync_with(rooms: UnchangedRooms) -> RoomSync:
    log = ScriptedLog()
    hub = Hub(RunningLoop(), log)
    departures = no_departures(hub)
    relay = Relay(log, hub, departures, Supervisor().spawn)
    registry = ConnectionRegistry(SocketLimits(), 20, LocalPresence())
    return RoomSync(rooms, registry, hub, relay, departures, RoomHints())


async def test_a_change_that_could_not_be_applied_is_applied_by_the_next_sweep() -> None:
    rooms = OneChange()
    sync = sync_with(rooms)
    with pytest.raises(DatabaseUnavailable):
        await sync.sweep()
    assert sync.versions == {}
    for _ in range(2):
        await sync.sweep()
    assert (sync.versions, rooms.asked) == ({"office": 2}, 2)
