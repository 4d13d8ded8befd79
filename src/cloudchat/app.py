"""The composition root: the only place where the objects of a server are created and wired, from top to bottom."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.routing import Route

from cloudchat import __version__
from cloudchat.admin.routes import admin_routes
from cloudchat.admin.service import AdminService
from cloudchat.archive.archiver import Archiver
from cloudchat.archive.erasure.erasure_task import ErasureTask
from cloudchat.archive.export.routes import export_routes
from cloudchat.archive.export.service import RoomExports
from cloudchat.archive.history.reader import HistoryReader
from cloudchat.archive.history.routes import edit_routes
from cloudchat.archive.index_merge.merge_task import IndexMerge, merge_after_deletions
from cloudchat.archive.retention.retention_task import Retention
from cloudchat.archive.search.routes import search_routes
from cloudchat.archive.search.service import SearchService
from cloudchat.archive.service import ArchiveService
from cloudchat.auth.passwords.hashing import PasswordHasher
from cloudchat.auth.passwords.turns import HashingTurns
from cloudchat.auth.routes import auth_routes
from cloudchat.auth.second_factor.routes import second_factor_routes
from cloudchat.auth.second_factor.service import SecondFactorService
from cloudchat.auth.service import AccountService
from cloudchat.auth.sessions.refresh_cookie import RefreshCookie
from cloudchat.auth.tokens.access_tokens import Tokens
from cloudchat.auth.tokens.key_rotation import LiveKeyRing
from cloudchat.auth.vault import open_vault
from cloudchat.broker import append_pipeline
from cloudchat.broker.broker import Listener
from cloudchat.broker.checkpoint_repository import LogCheckpoints
from cloudchat.broker.embedded.data_dir_lock import socket_path, socket_url
from cloudchat.broker.embedded.file_rewrite import FileRewriter
from cloudchat.broker.log_checkpoint import run_checkpoints, save_checkpoint
from cloudchat.broker.redis_broker import RedisBroker
from cloudchat.broker.redis_functions import RedisFunctions
from cloudchat.database.engine import create_engine
from cloudchat.database.pruning import prune, prune_hourly
from cloudchat.database.transactions import Database
from cloudchat.database.urls import sqlite_file
from cloudchat.http.api_documents import document_route
from cloudchat.http.csrf import only_plain_loopback
from cloudchat.http.error_docs import openapi_document
from cloudchat.http.middleware.install import install_middleware
from cloudchat.http.page_files import PageFiles
from cloudchat.http.upgrade_required import upgrade_required
from cloudchat.messages.mention_directory import MentionDirectory
from cloudchat.messages.message_log import MessageLog
from cloudchat.messages.routes import MessageBackend, message_routes
from cloudchat.messages.service import MessageService, RoomLogMessageService
from cloudchat.observability.health import health_routes, wait_until_healthy
from cloudchat.process.allocator import return_large_blocks
from cloudchat.process.supervision import Supervisor
from cloudchat.protocol.asyncapi import asyncapi_document
from cloudchat.rate_limiting import cluster_connection_limit
from cloudchat.rate_limiting.cluster_connection_limit import ClusterConnectionLimit
from cloudchat.rate_limiting.connection_rate import ConnectionRates
from cloudchat.rate_limiting.http_limits import create_limiter, install_limiter
from cloudchat.rate_limiting.login_slowdown import LoginSlowdown, LoginWindows
from cloudchat.rate_limiting.request_rate import RequestRateLimit
from cloudchat.realtime.connection_registry import ConnectionRegistry, SocketLimits
from cloudchat.realtime.dispatcher import Dispatcher
from cloudchat.realtime.ephemeral.ephemeral_commands import EphemeralCommands
from cloudchat.realtime.ephemeral.local_presence import LocalPresence
from cloudchat.realtime.ephemeral.presence_delivery import PresenceDelivery
from cloudchat.realtime.ephemeral.presence_sync import FUNCTIONS as PRESENCE_FUNCTIONS
from cloudchat.realtime.ephemeral.presence_sync import PresenceSync
from cloudchat.realtime.ephemeral.presence_view import PresenceView
from cloudchat.realtime.ephemeral.read_markers import ReadMarkers
from cloudchat.realtime.ephemeral.signal_router import SignalRouter
from cloudchat.realtime.ephemeral.signals import RoomsChanged, SignalPublisher, receive
from cloudchat.realtime.feeds.heartbeat import Heartbeat
from cloudchat.realtime.feeds.relay import Relay
from cloudchat.realtime.feeds.replay import RoomJoiner
from cloudchat.realtime.hub import Hub, RunningLoop
from cloudchat.realtime.membership.departures import Departures
from cloudchat.realtime.membership.notice_outbox import NoticeOutbox
from cloudchat.realtime.membership.room_hints import LocalChanges, RoomHints
from cloudchat.realtime.membership.room_sync import RoomSync
from cloudchat.realtime.opening.admission import AdmissionControl
from cloudchat.realtime.opening.endpoint import SocketEndpoint
from cloudchat.realtime.opening.session_directory import SessionDirectory
from cloudchat.realtime.opening.socket_routing import SOCKET_PATH, SocketRouting
from cloudchat.realtime.revocation_sweep import RevocationSweep
from cloudchat.realtime.socket_stats import SocketStats
from cloudchat.realtime.store_outage import watch_store
from cloudchat.realtime.unread import UnreadCounter
from cloudchat.resources import frontend_directory
from cloudchat.rooms.read_position_repository import ReadPositions
from cloudchat.rooms.routes import room_routes
from cloudchat.rooms.service import RoomService
from cloudchat.services import Services
from cloudchat.settings import Settings
from cloudchat.users.routes import user_routes
from cloudchat.users.service import UserDirectory

_READY_TIMEOUT_SECONDS = 2.0
_NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
"""FastAPI's own. It would look for its providers at each request and handshake, and nothing here sets any."""

if TYPE_CHECKING:
    from cloudchat.observability.tracing import MessageTracing


@dataclass(frozen=True)
class Chat:
    """The objects that carry a message from socket to socket. They all live on the event loop."""

    functions: RedisFunctions
    broker: RedisBroker
    listener: Listener
    signals: SignalPublisher
    presence: PresenceDelivery
    presence_sync: PresenceSync
    markers: ReadMarkers
    signal_router: SignalRouter
    room_sync: RoomSync
    outbox: NoticeOutbox
    hub: Hub
    relay: Relay
    registry: ConnectionRegistry
    cluster_limit: ClusterConnectionLimit
    sweep: RevocationSweep
    stats: SocketStats
    endpoint: SocketEndpoint
    supervisor: Supervisor
    tracing: "MessageTracing | None"
    file_rewriter: FileRewriter | None
    messages: MessageService
    mentions: MentionDirectory
    history: HistoryReader
    archiver: Archiver
    log: MessageLog

    async def store_problem(self) -> str | None:
        """Return the store's problem for `/readyz`, or None."""
        if not self.broker.subscription.connected:
            return "not subscribed"
        return await self.functions.probe()

    async def tasks_problem(self) -> str | None:
        """Return which permanent tasks have ended, for `/readyz`, or None."""
        return f"ended: {', '.join(self.supervisor.dead)}" if self.supervisor.dead else None

    async def close(self) -> None:
        """Close the connections to the store. Pending appends fail with `BrokerUnavailable`."""
        await self.broker.close()
        await self.cluster_limit.close()
        await self.presence_sync.close()
        await self.functions.close()
        if self.tracing is not None:
            await asyncio.to_thread(self.tracing.close)


def create_app(settings: Settings) -> FastAPI:
    """Return the ASGI application. `settings.redis_url` must name a running store; the database must be migrated."""
    if settings.redis_url is None:
        raise ValueError("CLOUDCHAT_REDIS_URL is not set; `cloudchat serve` starts a store and sets it")
    redis_url = settings.redis_url.get_secret_value()
    db = Database(create_engine(settings.database.get_secret_value(), serving=True))
    folder = settings.state_dir / "keys"
    keys = LiveKeyRing(folder)
    tokens = Tokens(keys, access_seconds=settings.access_token_seconds)
    vault = open_vault(folder)
    slowdown = LoginSlowdown(LoginWindows(redis_url), vault.pseudonym, settings)
    hasher = PasswordHasher()
    cookie = RefreshCookie(
        secure=not only_plain_loopback(settings.origins), installation=vault.pseudonym("refresh cookie")[:8]
    )
    accounts = AccountService(db, tokens, hasher, SecondFactorService(db, vault), slowdown, settings)
    admin = AdminService(db, tokens, hasher)
    changes = LocalChanges()
    services = Services(
        db,
        keys,
        accounts,
        RoomService(db, changes.room_changed),
        LogCheckpoints(db),
        ReadPositions(db),
        ArchiveService(db),
    )
    chat = _create_chat(settings, redis_url, services)
    requests: Counter[tuple[str, str, int]] = Counter()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await _start(chat, services, settings)
        changes.connect(chat.outbox.announce)
        if settings.metrics_port is not None:
            _serve_metrics(chat, requests, settings.metrics_port, settings.state_dir)
        try:
            yield
        finally:
            await chat.supervisor.stop()
            await save_checkpoint(chat.broker.marks, services.save_marks)
            await chat.close()
            accounts.close()
            db.close()

    app = FastAPI(
        title="cloudchat",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry=_NO_TELEMETRY,
    )
    limiter = create_limiter(settings)
    app.add_middleware(SocketRouting, endpoint=chat.endpoint, stats=chat.stats)
    app.add_middleware(RequestRateLimit, rate=settings.request_rate)  # inside of those that know the client's address
    install_middleware(app, lambda: settings.origins, requests, settings.trusted_proxies)
    install_limiter(app, limiter)
    turns = HashingTurns()
    app.include_router(auth_routes(services.accounts, turns, limiter, settings, cookie=cookie))
    app.include_router(second_factor_routes(services.accounts, turns, limiter, settings))
    app.include_router(admin_routes(admin, services.accounts, turns, limiter, settings))
    app.include_router(room_routes(services.rooms, services.accounts, limiter, settings))
    app.include_router(export_routes(RoomExports(db), services.accounts, limiter, settings))
    app.include_router(user_routes(UserDirectory(db), services.accounts, limiter, settings))
    backend = MessageBackend(chat.messages, chat.mentions, chat.history, chat.registry)
    app.include_router(message_routes(backend, services.rooms, services.accounts, limiter, settings))
    app.include_router(edit_routes(services.archive, services.accounts, limiter, settings))
    app.include_router(search_routes(SearchService(db), services.accounts, limiter, settings))
    app.include_router(health_routes({"store": chat.store_problem, "tasks": chat.tasks_problem}))
    app.router.routes.append(document_route("/openapi.json", partial(openapi_document, app)))
    app.router.routes.append(document_route("/asyncapi.json", partial(asyncapi_document, __version__)))
    app.router.routes.append(Route(SOCKET_PATH, upgrade_required, methods=["GET"]))
    app.mount("/", PageFiles(directory=frontend_directory(), html=True), name="frontend")
    return app


def _create_chat(settings: Settings, redis_url: str, services: Services) -> Chat:
    # The event path, in the order of an event: broker, relay, hub. `_start` connects the subscription to the relay.
    supervisor, stats, tracing = Supervisor(), SocketStats(), _create_tracing(settings.trace_ratio)
    libraries = append_pipeline.FUNCTIONS, cluster_connection_limit.FUNCTIONS, PRESENCE_FUNCTIONS
    functions = RedisFunctions(redis_url, libraries=libraries)
    broker = RedisBroker(
        redis_url, functions, history_messages=settings.history_messages, load_marks=services.load_marks
    )
    file_rewriter = None
    if redis_url == socket_url(socket_path(settings.state_dir.absolute() / "store")):  # an external store: its operator
        file_rewriter = FileRewriter(functions)
        broker.text_deleted = file_rewriter.deleted
    archiver = Archiver(broker, broker.archive, services)
    broker.appended = archiver.appended
    hub = Hub(RunningLoop(), broker)
    broker.appends_settled = hub.release_held
    per_user, per_address = settings.sockets_per_user, settings.sockets_per_address
    local_presence, presence_view = LocalPresence(), PresenceView()
    limits = SocketLimits(per_user, per_address, settings.sockets_in_total)
    registry = ConnectionRegistry(limits, settings.sends_per_10s, local_presence)
    hints = RoomHints()
    departures = Departures(registry, hub, hints)
    relay = Relay(broker, hub, departures, supervisor.spawn)
    listener: Listener = relay if tracing is None else tracing.listener(relay)
    # Commands.
    room_sync = RoomSync(services, registry, hub, relay, departures, hints)
    mentions = MentionDirectory(services.member_ids_by_name_key, room_sync.versions)
    log = MessageLog(broker, services.archived_message, supervisor.spawn)
    messages: MessageService = RoomLogMessageService(log, mentions, room_sync.versions)
    if tracing is not None:
        messages = tracing.messages(messages)
    joiner = RoomJoiner(broker, relay, hub, room_sync)
    sweep = RevocationSweep(services.revocations_since, registry, services.last_commit)
    sessions = SessionDirectory(services.read_sessions, sweep)
    signals, markers = SignalPublisher(broker.signal), ReadMarkers(services.advance_read_positions)
    tell_others = partial(signals.send, RoomsChanged())
    outbox = NoticeOutbox(services, messages, broker.raise_version, hints, tell_others)
    presence = PresenceDelivery(presence_view, services, registry, hub)
    presence_sync = PresenceSync(functions, local_presence, presence_view, presence.changed)
    ephemeral = EphemeralCommands(relay, markers, signals, presence, sessions.forget_user)
    signal_router = SignalRouter(hub, registry, hints, presence_sync, sessions.forget_user)
    unread = UnreadCounter(broker, services, room_sync)
    history = HistoryReader(broker, broker.archive, services)
    dispatcher = Dispatcher(
        history,
        joiner,
        messages,
        mentions,
        room_sync,
        services.authenticate,
        ephemeral,
        unread,
        stats,
        supervisor.spawn,
    )
    # Handshakes.
    rates = ConnectionRates(per_address=settings.connect_rate, per_user=settings.connect_user_rate)
    cluster_limit = ClusterConnectionLimit(functions, per_user=per_user, per_address=per_address)
    admissions = AdmissionControl(rates, registry, cluster_limit)
    endpoint = SocketEndpoint(settings, sessions, admissions, relay, room_sync, dispatcher, stats)
    return Chat(
        functions,
        broker,
        listener,
        signals,
        presence,
        presence_sync,
        markers,
        signal_router,
        room_sync,
        outbox,
        hub,
        relay,
        registry,
        cluster_limit,
        sweep,
        stats,
        endpoint,
        supervisor,
        tracing,
        file_rewriter,
        messages,
        mentions,
        history,
        archiver,
        log,
    )


async def _start(chat: Chat, services: Services, settings: Settings) -> None:
    """Start the permanent tasks."""
    broker, spawn = chat.broker, chat.supervisor.spawn_permanent
    broker.marks.merge(await services.load_marks())
    spawn(broker.run(chat.listener, partial(receive, receiver=chat.signal_router)), "subscription")
    spawn(chat.signals.run(), "signals")
    spawn(chat.markers.run(), "read markers")
    spawn(chat.presence_sync.run(), "presence")
    spawn(chat.presence.run(), "delivery of presence")
    await wait_until_healthy(
        chat.store_problem, _READY_TIMEOUT_SECONDS
    )  # /readyz is usually 200 when the start is announced
    spawn(Heartbeat(chat.relay, chat.hub, chat.registry, settings.heartbeat_seconds).run(), "heartbeat")
    spawn(chat.room_sync.run(), "room sync")
    spawn(chat.outbox.run(), "notices")
    spawn(chat.sweep.run(), "revocation sweep")
    spawn(watch_store(lambda: broker.subscription.connected, chat.registry), "store outage")
    spawn(prune_hourly(lambda now: prune(services.db, now, settings.audit_days * 86400)), "pruning")
    spawn(chat.archiver.run(), "archiver")
    spawn(Retention(services.db, broker.archive, settings.retention_days).run(), "retention")
    if sqlite_file(settings.database.get_secret_value()) is not None:
        spawn(merge_after_deletions(IndexMerge(services.db)), "merges of the search index")
    spawn(ErasureTask(services.db, services.rooms, chat.log, broker).run(), "erasures")
    spawn(chat.cluster_limit.run(chat.registry.evict), "cluster connection limit")
    spawn(run_checkpoints(broker.marks, services.save_marks), "log checkpoints")
    if chat.file_rewriter is not None:
        spawn(chat.file_rewriter.run(), "file rewrite")


def _serve_metrics(chat: Chat, requests: Counter[tuple[str, str, int]], port: int, state_dir: Path) -> None:
    # Imported only when /metrics is served: the library takes 6 MiB of every process.
    from cloudchat.observability.metrics import LoopLag, Metrics, MetricsSnapshot
    from cloudchat.observability.metrics_listener import MetricsListener

    loop_lag = LoopLag()

    def read() -> MetricsSnapshot:
        return MetricsSnapshot(
            connections=len(chat.registry),
            rooms=chat.relay.rooms,
            connects=chat.stats.handshakes,
            closes=chat.stats.closes,
            commands=chat.stats.commands,
            sends=chat.stats.messages_stored,
            deliveries=chat.hub.deliveries,
            frames_dropped=chat.stats.frames_dropped,
            append_seconds=chat.broker.append_seconds,
            relay_seconds=chat.relay.delivery_seconds,
            holes_repaired=chat.relay.holes_repaired,
            requests=requests,
            archive_lag_events=chat.archiver.lag_events,
            archive_lag_seconds=chat.archiver.lag_seconds,
            archive_failures=chat.archiver.failures,
            task_failures=chat.supervisor.failures,
            tasks_dead=len(chat.supervisor.dead),
            loop_lag_seconds=loop_lag.take(),
            ready=chat.broker.subscription.connected and not chat.supervisor.dead,
        )

    chat.supervisor.spawn_permanent(loop_lag.run(), "loop lag")
    chat.supervisor.spawn_permanent(MetricsListener(Metrics(read).text, port, state_dir).run(), "metrics")


def _create_tracing(ratio: float) -> "MessageTracing | None":
    # Imported only when tracing is on: it is an optional dependency, and takes 20 MiB of every process.
    if not ratio:
        return None
    from cloudchat.observability.tracing import MessageTracing

    return MessageTracing(ratio)


def create_app_from_environment() -> FastAPI:
    """Return the application of a process."""
    return_large_blocks()
    return create_app(Settings())
