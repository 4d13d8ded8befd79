"""Sessions, handshakes, and the execution of the commands of open sockets."""

from msgspec import Struct

from cloudchat.app.delivery import Delivery
from cloudchat.app.messaging import Messaging
from cloudchat.app.presence import Presence
from cloudchat.app.store import Store
from cloudchat.process.supervision import Supervisor
from cloudchat.rate_limiting.connections.cluster_connection_limit import ClusterConnectionLimit
from cloudchat.rate_limiting.connections.connection_rate import ConnectionRates
from cloudchat.realtime.commands.dispatcher import Dispatcher
from cloudchat.realtime.commands.logged_commands import LoggedCommands
from cloudchat.realtime.commands.read_commands import ReadCommands
from cloudchat.realtime.commands.token_renewal import TokenRenewal
from cloudchat.realtime.commands.unread import UnreadCounter
from cloudchat.realtime.feeds.replay import RoomJoiner
from cloudchat.realtime.membership.held_appends import HeldAppends
from cloudchat.realtime.opening.admission import AdmissionControl
from cloudchat.realtime.opening.endpoint import SocketEndpoint
from cloudchat.realtime.opening.session_directory import SessionDirectory
from cloudchat.realtime.opening.session_reads import SessionReads
from cloudchat.realtime.revocation_sweep import RevocationSweep
from cloudchat.realtime.socket_stats import SocketStats
from cloudchat.services import Services
from cloudchat.settings import Settings


class Sessions(Struct, frozen=True):
    """The sessions in memory, the sweep that ends those that were revoked, and what both read."""

    reads: SessionReads
    sweep: RevocationSweep
    directory: SessionDirectory


def create_sessions(delivery: Delivery, services: Services) -> Sessions:
    """Create an empty directory."""
    reads = SessionReads(services.db, services.authenticator, services.keys)
    sweep = RevocationSweep(reads.revocations_since, delivery.registry, services.last_commit)
    return Sessions(reads, sweep, SessionDirectory(reads.sessions, sweep))


def create_dispatcher(
    store: Store,
    delivery: Delivery,
    presence: Presence,
    messaging: Messaging,
    services: Services,
    supervisor: Supervisor,
    stats: SocketStats,
) -> Dispatcher:
    """Create the dispatcher and what executes the commands."""
    rooms = delivery.room_sync
    appends = HeldAppends(rooms.refresh, rooms.versions, supervisor.spawn)
    logged = LoggedCommands(messaging.messages, messaging.mentions, appends, delivery.hub, stats)
    joiner = RoomJoiner(store.broker, delivery.relay, delivery.hub, rooms)
    unread = UnreadCounter(store.broker, services, rooms)
    reads = ReadCommands(messaging.history, joiner, rooms, unread, stats)
    renewal = TokenRenewal(services.authenticate)
    return Dispatcher(logged, reads, presence.commands, renewal, stats, supervisor.spawn)


def create_cluster_limit(settings: Settings, store: Store) -> ClusterConnectionLimit:
    """Create the limit of connections that all processes share."""
    per_user, per_address = settings.sockets_per_user, settings.sockets_per_address
    return ClusterConnectionLimit(store.functions, per_user=per_user, per_address=per_address)


def create_endpoint(
    settings: Settings,
    delivery: Delivery,
    sessions: Sessions,
    cluster_limit: ClusterConnectionLimit,
    dispatcher: Dispatcher,
    stats: SocketStats,
) -> SocketEndpoint:
    """Create what answers the handshakes at `/ws`."""
    rates = ConnectionRates(per_address=settings.connect_rate, per_user=settings.connect_user_rate)
    admissions = AdmissionControl(rates, delivery.registry, cluster_limit)
    return SocketEndpoint(
        settings, sessions.directory, admissions, delivery.relay, delivery.room_sync, dispatcher, stats
    )
