"""The whole server on one page: the only place where objects are built and wired."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.routing import WebSocketRoute

from cloudchat import __version__
from cloudchat.admin.routes import admin_routes
from cloudchat.admin.service import AdminService
from cloudchat.admin.token_routes import token_routes
from cloudchat.auth.passwords.hashing import Passwords
from cloudchat.auth.routes import auth_routes
from cloudchat.auth.second_factor.routes import second_factor_routes
from cloudchat.auth.second_factor.service import SecondFactor
from cloudchat.auth.service import AccountService
from cloudchat.auth.tokens.access_tokens import Tokens
from cloudchat.auth.tokens.key_rotation import LiveKeyRing
from cloudchat.auth.vault import open_vault
from cloudchat.broker.log_checkpoint import run_checkpoints, save_checkpoint
from cloudchat.broker.redis_broker import RedisBroker
from cloudchat.broker.redis_functions import RedisFunctions
from cloudchat.database.engine import create_engine
from cloudchat.database.pruning import prune, prune_daily
from cloudchat.database.transactions import Database
from cloudchat.http.middleware import install_middleware
from cloudchat.http.page_files import PageFiles
from cloudchat.messages.service import MessageService
from cloudchat.observability.health import health_routes, until_well
from cloudchat.observability.loop_lag import LoopLag
from cloudchat.process.supervision import Supervisor
from cloudchat.protocol.events import Limits
from cloudchat.rate_limiting.cluster_connection_limit import ClusterConnectionLimit
from cloudchat.rate_limiting.connection_rate import ConnectionRateLimit
from cloudchat.rate_limiting.http_limits import create_limiter, install_limiter
from cloudchat.rate_limiting.login_slowdown import LoginSlowdown
from cloudchat.rate_limiting.shared_window import SharedWindow
from cloudchat.realtime.connection_registry import ConnectionRegistry, SocketLimits
from cloudchat.realtime.dispatcher import Dispatcher
from cloudchat.realtime.door import Door
from cloudchat.realtime.endpoint import SocketEndpoint
from cloudchat.realtime.hub import Hub
from cloudchat.realtime.relay import Relay
from cloudchat.realtime.revocation_sweep import sweep
from cloudchat.realtime.socket_stats import SocketStats
from cloudchat.realtime.store_outage import watch_store
from cloudchat.resources import frontend_directory
from cloudchat.rooms.routes import room_routes
from cloudchat.rooms.service import RoomService
from cloudchat.services import Services
from cloudchat.settings import Settings

_SECONDS_TO_GET_WELL = 2.0

if TYPE_CHECKING:
    from cloudchat.observability.tracing import MessageTracing


@dataclass(frozen=True)
class Chat:
    """What carries a message from socket to socket: the half that lives on the event loop."""

    calls: RedisFunctions
    broker: RedisBroker
    hub: Hub
    relay: Relay
    roster: ConnectionRegistry
    census: ClusterConnectionLimit
    traffic: SocketStats
    sockets: SocketEndpoint
    supervisor: Supervisor
    traces: "MessageTracing | None"

    async def store_answers(self) -> str | None:
        """What is wrong with the store, for `/readyz`, or None."""
        if not self.broker.subscription.connected:
            return "not subscribed"
        return await self.calls.ping()

    async def tasks_live(self) -> str | None:
        """Which task has ended that must never end, for `/readyz`, or None."""
        return f"ended: {', '.join(self.supervisor.dead)}" if self.supervisor.dead else None

    async def close(self) -> None:
        """Let go of the store; who still waits for an ack is told so."""
        await self.broker.close()
        await self.census.close()
        await self.calls.close()
        if self.traces is not None:
            await asyncio.to_thread(self.traces.close)


def create_app(settings: Settings) -> FastAPI:
    """The ASGI application. `settings.redis_url` must name a store that runs, and the database must be migrated."""
    if settings.redis_url is None:
        raise ValueError("no store: `cloudchat serve` starts one and sets CLOUDCHAT_REDIS_URL")
    redis_url = settings.redis_url.get_secret_value()
    db = Database(create_engine(settings.database.get_secret_value(), serving=True))
    folder = settings.state_dir / "keys"
    keys = LiveKeyRing(folder)
    tokens = Tokens(keys, access_seconds=settings.access_token_seconds)
    vault = open_vault(folder)
    slowdown = LoginSlowdown(SharedWindow(redis_url), vault.pseudonym, settings)
    passwords = Passwords()
    accounts = AccountService(db, tokens, passwords, SecondFactor(db, vault), slowdown, settings)
    admin = AdminService(db, tokens, passwords)
    services = Services(db, keys, accounts, RoomService(db))
    chat = _chat(settings, redis_url, services)
    requests: Counter[tuple[str, str, int]] = Counter()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await _start(chat, services, settings)
        if settings.metrics_port is not None:
            _serve_metrics(chat, requests, settings.metrics_port, settings.state_dir)
        try:
            yield
        finally:
            await chat.supervisor.stop()
            await save_checkpoint(chat.broker.witness, services.save_log_checkpoints)
            await chat.close()
            accounts.close()
            db.close()

    app = FastAPI(title="cloudchat", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    limiter = create_limiter(settings)
    install_middleware(app, lambda: settings.origins, requests, settings.trusted_proxies)
    install_limiter(app, limiter)
    app.include_router(auth_routes(services.accounts, limiter, settings))
    app.include_router(second_factor_routes(services.accounts, limiter, settings))
    app.include_router(admin_routes(admin, services.accounts, limiter, settings))
    app.include_router(token_routes(admin, services.accounts, limiter, settings))
    app.include_router(room_routes(services.rooms, services.accounts, limiter, settings))
    app.include_router(health_routes({"store": chat.store_answers, "tasks": chat.tasks_live}))
    app.router.routes.append(WebSocketRoute("/ws", chat.sockets))
    app.router.routes.append(WebSocketRoute("/{path:path}", Door(chat.traffic)))
    app.mount("/", PageFiles(directory=frontend_directory(), html=True), name="frontend")
    return app


def _chat(settings: Settings, redis_url: str, services: Services) -> Chat:
    supervisor = Supervisor()
    hub = Hub(
        lambda call: asyncio.get_running_loop().call_soon(call),
        lambda seconds, call: asyncio.get_running_loop().call_later(seconds, call),
        coming=lambda: broker.busy,
    )
    relay = Relay(hub, supervisor.spawn, settings.heartbeat_seconds)
    calls = RedisFunctions(redis_url)
    traces = _message_traces(settings.trace_ratio)
    broker = RedisBroker(
        redis_url,
        calls,
        relay if traces is None else traces.listener(relay),
        history_messages=settings.history_messages,
        places=services.log_checkpoints,
        settled=hub.settle,
    )
    relay.connect(broker)
    traffic = SocketStats()
    messages = MessageService(broker)
    if traces is not None:
        messages = traces.messages(messages)
    roster = ConnectionRegistry(
        SocketLimits(settings.sockets_per_user, settings.sockets_per_address, settings.sockets_in_total),
        settings.sends_per_10s,
    )
    census = ClusterConnectionLimit(calls, per_user=settings.sockets_per_user, per_address=settings.sockets_per_address)
    sockets = SocketEndpoint(
        services.admit,
        relay.head_of,
        Dispatcher(broker, relay, hub, messages, services.authenticate, traffic),
        roster,
        ConnectionRateLimit(redis_url, per_address=settings.connect_rate, per_user=settings.connect_user_rate),
        census,
        traffic,
        supervisor.spawn,
        origins=lambda: settings.origins,
        limits=Limits(sends_per_10s=settings.sends_per_10s),
        heartbeat_seconds=settings.heartbeat_seconds,
        outbox_bytes=settings.send_buffer_bytes,
    )
    return Chat(calls, broker, hub, relay, roster, census, traffic, sockets, supervisor, traces)


async def _start(chat: Chat, services: Services, settings: Settings) -> None:
    """Start everything that runs as long as the process does."""
    broker, keep = chat.broker, chat.supervisor.keep
    broker.witness.recall(await asyncio.to_thread(services.rooms.log_checkpoints))
    keep(broker.run(), "subscription")
    await until_well(chat.store_answers, _SECONDS_TO_GET_WELL)  # whoever waits for our start finds /readyz ready
    keep(chat.relay.heartbeat(), "heartbeat")
    keep(sweep(services.revocations_since, chat.roster), "revocation sweep")
    keep(watch_store(lambda: broker.subscription.connected, chat.roster), "store outage")
    keep(prune_daily(lambda now: prune(services.db, now, settings.audit_days * 86400)), "pruning")
    keep(chat.census.run(chat.roster.replace), "socket census")
    keep(run_checkpoints(broker.witness, services.save_log_checkpoints), "witness")


def _serve_metrics(chat: Chat, requests: Counter[tuple[str, str, int]], port: int, state_dir: Path) -> None:
    # Loaded only where somebody looks: the library is 6 MiB of every process.
    from cloudchat.observability.metrics import Metrics, MetricsSnapshot
    from cloudchat.observability.metrics_listener import MetricsListener

    loop_lag = LoopLag()

    def read() -> MetricsSnapshot:
        return MetricsSnapshot(
            connections=len(chat.roster),
            rooms=chat.relay.rooms,
            connects=chat.traffic.connects,
            closes=chat.traffic.closes,
            commands=chat.traffic.commands,
            sends=chat.traffic.sends,
            deliveries=chat.hub.delivered,
            dropped=chat.traffic.dropped,
            append_seconds=chat.broker.append_seconds,
            relay_seconds=chat.relay.seconds,
            holes_repaired=chat.relay.holes_repaired,
            requests=requests,
            tasks_failed=chat.supervisor.failures,
            tasks_dead=len(chat.supervisor.dead),
            loop_lag=loop_lag.take(),
            ready=chat.broker.subscription.connected and not chat.supervisor.dead,
        )

    chat.supervisor.keep(loop_lag.run(), "loop lag")
    chat.supervisor.keep(MetricsListener(Metrics(read).text, port, state_dir).run(), "metrics")


def _message_traces(ratio: float) -> "MessageTracing | None":
    # Loaded only where somebody asked for it: it is an extra, and 20 MiB of every process.
    if not ratio:
        return None
    from cloudchat.observability.tracing import MessageTracing

    return MessageTracing(ratio)


def create_app_from_environment() -> FastAPI:
    """What each worker process runs."""
    return create_app(Settings())
