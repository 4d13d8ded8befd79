"""The chat itself: all objects that live on the event loop, created in the order in which an event meets them."""

import asyncio
from typing import TYPE_CHECKING

from msgspec import Struct

from cloudchat.app.delivery import Delivery, create_delivery
from cloudchat.app.messaging import Messaging, create_messaging
from cloudchat.app.opening import (
    Sessions,
    create_cluster_limit,
    create_dispatcher,
    create_endpoint,
    create_sessions,
)
from cloudchat.app.presence import Presence, create_presence
from cloudchat.app.store import Store, create_store
from cloudchat.broker.broker import Listener
from cloudchat.process.supervision import Supervisor
from cloudchat.rate_limiting.connections.cluster_connection_limit import ClusterConnectionLimit
from cloudchat.realtime.opening.endpoint import SocketEndpoint
from cloudchat.realtime.socket_stats import SocketStats
from cloudchat.services import Services
from cloudchat.settings import Settings

if TYPE_CHECKING:
    from cloudchat.observability.tracing import MessageTracing


class Chat(Struct, frozen=True):
    """The parts of the chat. `permanent_tasks.start` brings it to life, `close` ends it."""

    supervisor: Supervisor
    stats: SocketStats
    store: Store
    delivery: Delivery
    sessions: Sessions
    presence: Presence
    messaging: Messaging
    cluster_limit: ClusterConnectionLimit
    endpoint: SocketEndpoint
    tracing: "MessageTracing | None"

    @property
    def listener(self) -> Listener:
        """What receives the events of the store."""
        relay = self.delivery.relay
        return relay if self.tracing is None else self.tracing.listener(relay)

    async def tasks_problem(self) -> str | None:
        """Return which permanent tasks have ended, for `/readyz`, or None."""
        return f"ended: {', '.join(self.supervisor.dead)}" if self.supervisor.dead else None

    async def close(self) -> None:
        """Close the connections to the store, and that of handshakes to the database.

        Pending appends fail with `BrokerUnavailable`.
        """
        await self.store.broker.close()
        await self.cluster_limit.close()
        await self.presence.sync.close()
        await self.store.functions.close()
        if self.tracing is not None:
            await asyncio.to_thread(self.tracing.close)
        await asyncio.to_thread(self.sessions.reads.close)


def create_chat(settings: Settings, redis_url: str, services: Services) -> Chat:
    """Create all parts. Nothing runs and nothing is connected yet."""
    supervisor, stats, tracing = Supervisor(), SocketStats(), _create_tracing(settings.trace_ratio)
    store = create_store(settings, redis_url, services)
    delivery = create_delivery(settings, store, services, supervisor)
    sessions = create_sessions(delivery, services)
    presence = create_presence(store, delivery, services, sessions.directory.forget_user)
    messaging = create_messaging(store, delivery, presence, services, supervisor, tracing)
    dispatcher = create_dispatcher(store, delivery, presence, messaging, services, supervisor, stats)
    cluster_limit = create_cluster_limit(settings, store)
    endpoint = create_endpoint(settings, delivery, sessions, cluster_limit, dispatcher, stats)
    return Chat(supervisor, stats, store, delivery, sessions, presence, messaging, cluster_limit, endpoint, tracing)


def _create_tracing(ratio: float) -> "MessageTracing | None":
    # Imported only when tracing is on: it is an optional dependency, and takes 20 MiB of every process.
    if not ratio:
        return None
    from cloudchat.observability.tracing import MessageTracing

    return MessageTracing(ratio)
