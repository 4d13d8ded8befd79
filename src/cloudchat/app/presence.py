"""What is sent to open sockets without being stored in a log: presence, typing, read markers, changes of rooms."""

from collections.abc import Callable

from msgspec import Struct

from cloudchat.app.delivery import Delivery
from cloudchat.app.store import Store
from cloudchat.realtime.ephemeral.ephemeral_commands import EphemeralCommands
from cloudchat.realtime.ephemeral.presence_delivery import PresenceDelivery
from cloudchat.realtime.ephemeral.presence_sync import PresenceSync
from cloudchat.realtime.ephemeral.presence_view import PresenceView
from cloudchat.realtime.ephemeral.read_markers import ReadMarkers
from cloudchat.realtime.ephemeral.signal_router import SignalRouter
from cloudchat.realtime.ephemeral.signals import SignalPublisher
from cloudchat.services import Services


class Presence(Struct, frozen=True):
    """The exchange with the other processes (`signals`, `sync`), and what this one does with it."""

    signals: SignalPublisher
    router: SignalRouter
    sync: PresenceSync
    delivery: PresenceDelivery
    markers: ReadMarkers
    commands: EphemeralCommands


def create_presence(
    store: Store, delivery: Delivery, services: Services, forget_user: Callable[[str], None]
) -> Presence:
    """Create it. `forget_user` removes the cached session of a user whose read position has changed."""
    view = PresenceView()
    to_sockets = PresenceDelivery(view, services, delivery.registry, delivery.hub)
    sync = PresenceSync(store.functions, delivery.online, view, to_sockets.changed)
    signals, markers = SignalPublisher(store.broker.signal), ReadMarkers(services.advance_read_positions)
    router = SignalRouter(delivery.hub, delivery.registry, delivery.hints, sync, forget_user)
    commands = EphemeralCommands(delivery.relay, markers, signals, to_sockets, forget_user)
    return Presence(signals, router, sync, to_sockets, markers, commands)
