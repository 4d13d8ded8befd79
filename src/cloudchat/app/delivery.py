"""From the log to the sockets: who is connected, who is in which room, and the fan-out."""

from msgspec import Struct

from cloudchat.app.store import Store
from cloudchat.process.supervision import Supervisor
from cloudchat.realtime.connection_registry import ConnectionRegistry, SocketLimits
from cloudchat.realtime.ephemeral.local_presence import LocalPresence
from cloudchat.realtime.feeds.relay import Relay
from cloudchat.realtime.hub import Hub, RunningLoop
from cloudchat.realtime.membership.departures import Departures
from cloudchat.realtime.membership.room_hints import RoomHints
from cloudchat.realtime.membership.room_sync import RoomSync
from cloudchat.services import Services
from cloudchat.settings import Settings


class Delivery(Struct, frozen=True):
    """What an event passes through after the store, from `relay` to `hub`, and the sockets that receive it."""

    registry: ConnectionRegistry
    online: LocalPresence
    """The users with a socket in this process."""
    hub: Hub
    relay: Relay
    hints: RoomHints
    room_sync: RoomSync


def create_delivery(settings: Settings, store: Store, services: Services, supervisor: Supervisor) -> Delivery:
    """Create it for the event loop that runs later."""
    hub = Hub(RunningLoop(), store.broker)
    store.broker.appends_settled = hub.release_held
    limits = SocketLimits(settings.sockets_per_user, settings.sockets_per_address, settings.sockets_in_total)
    online, hints = LocalPresence(), RoomHints()
    registry = ConnectionRegistry(limits, settings.sends_per_10s, online)
    departures = Departures(registry, hub, hints)
    relay = Relay(store.broker, hub, departures, supervisor.spawn)
    room_sync = RoomSync(services, registry, hub, relay, departures, hints)
    return Delivery(registry, online, hub, relay, hints, room_sync)
