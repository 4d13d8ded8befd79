"""The store of messages, and what is written behind it."""

from msgspec import Struct

from cloudchat.archive.archiver import Archiver
from cloudchat.broker.connections.redis_functions import RedisFunctions
from cloudchat.broker.embedded.data_dir_lock import socket_path, socket_url
from cloudchat.broker.embedded.file_rewrite import FileRewriter
from cloudchat.broker.functions import FUNCTIONS as ROOM_LOG_FUNCTIONS
from cloudchat.broker.redis_broker import RedisBroker
from cloudchat.rate_limiting.connections import cluster_connection_limit
from cloudchat.realtime.ephemeral.presence_sync import FUNCTIONS as PRESENCE_FUNCTIONS
from cloudchat.services import Services
from cloudchat.settings import Settings


class Store(Struct, frozen=True):
    """The connections to the store, the archiver, and the rewriter of the embedded store's file."""

    functions: RedisFunctions
    broker: RedisBroker
    archiver: Archiver
    file_rewriter: FileRewriter | None
    """None if the store is external: its operator decides when its file is rewritten."""

    async def problem(self) -> str | None:
        """Return the store's problem for `/readyz`, or None."""
        if not self.broker.subscription.connected:
            return "not subscribed"
        return await self.functions.probe()


def create_store(settings: Settings, redis_url: str, services: Services) -> Store:
    """Create the connections. They connect when they are used."""
    libraries = ROOM_LOG_FUNCTIONS, cluster_connection_limit.FUNCTIONS, PRESENCE_FUNCTIONS
    functions = RedisFunctions(redis_url, libraries=libraries)
    broker = RedisBroker(
        redis_url, functions, history_messages=settings.history_messages, load_marks=services.load_marks
    )
    file_rewriter = None
    if redis_url == socket_url(socket_path(settings.state_dir.absolute() / "store")):
        file_rewriter = FileRewriter(functions)
        broker.text_deleted = file_rewriter.deleted
    archiver = Archiver(broker, broker.archive, services)
    broker.appended = archiver.appended
    return Store(functions, broker, archiver, file_rewriter)
