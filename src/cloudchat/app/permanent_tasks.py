"""What runs as long as the server. If one of these tasks ends, the server is not ready any more."""

from functools import partial

from cloudchat.app.chat import Chat
from cloudchat.archive.erasure.erasure_task import ErasureTask
from cloudchat.archive.index_merge.merge_task import IndexMerge, merge_after_deletions
from cloudchat.archive.retention.retention_task import Retention
from cloudchat.broker.numbering.log_checkpoint import run_checkpoints
from cloudchat.database.pruning import prune, prune_hourly
from cloudchat.database.urls import sqlite_file
from cloudchat.observability.health import wait_until_healthy
from cloudchat.realtime.ephemeral.signals import receive
from cloudchat.realtime.feeds.erased_names import ErasedNames
from cloudchat.realtime.feeds.heartbeat import Heartbeat
from cloudchat.realtime.store_outage import watch_store
from cloudchat.services import Services
from cloudchat.settings import Settings

_READY_TIMEOUT_SECONDS = 2.0


async def start(chat: Chat, services: Services, settings: Settings) -> None:
    """Start the permanent tasks, and wait a little until `/readyz` can answer 200."""
    store, delivery, presence = chat.store, chat.delivery, chat.presence
    broker, spawn = store.broker, chat.supervisor.spawn_permanent
    broker.marks.merge(await services.load_marks())
    spawn(broker.run(chat.listener, partial(receive, receiver=presence.router)), "subscription")
    spawn(presence.signals.run(), "signals")
    spawn(presence.markers.run(), "read markers")
    spawn(presence.sync.run(), "presence")
    spawn(presence.delivery.run(), "delivery of presence")
    await wait_until_healthy(store.problem, _READY_TIMEOUT_SECONDS)
    spawn(Heartbeat(delivery.relay, delivery.hub, delivery.registry, settings.heartbeat_seconds).run(), "heartbeat")
    spawn(delivery.room_sync.run(), "room sync")
    spawn(chat.messaging.notices.run(), "notices")
    spawn(chat.sessions.sweep.run(), "revocation sweep")
    spawn(watch_store(lambda: broker.subscription.connected, delivery.registry), "store outage")
    spawn(prune_hourly(lambda now: prune(services.db, now, settings.audit_days * 86400)), "pruning")
    spawn(store.archiver.run(), "archiver")
    spawn(Retention(services.db, broker.archive, settings.retention_days).run(), "retention")
    if sqlite_file(settings.database.get_secret_value()) is not None:
        spawn(merge_after_deletions(IndexMerge(services.db)), "merges of the search index")
    spawn(ErasureTask(services.db, services.rooms, chat.messaging.log, broker).run(), "erasures")
    spawn(ErasedNames(services.erased_since, delivery.relay).run(), "names of erased users")
    spawn(chat.cluster_limit.run(delivery.registry.evict), "cluster connection limit")
    spawn(run_checkpoints(broker.marks, services.save_marks), "log checkpoints")
    if store.file_rewriter is not None:
        spawn(store.file_rewriter.run(), "file rewrite")
