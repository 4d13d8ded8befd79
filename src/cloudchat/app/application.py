"""The ASGI application: the chat, the services behind the HTTP routes, the routes, and the page."""

import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.routing import Route

from cloudchat import __version__
from cloudchat.admin.routes import admin_routes
from cloudchat.admin.service import AdminService
from cloudchat.app import permanent_tasks
from cloudchat.app.chat import create_chat
from cloudchat.archive.export.routes import export_routes
from cloudchat.archive.export.service import RoomExports
from cloudchat.archive.history.routes import edit_routes
from cloudchat.archive.search.routes import search_routes
from cloudchat.archive.search.service import SearchService
from cloudchat.archive.service import ArchiveService
from cloudchat.auth.authentication import Authenticator
from cloudchat.auth.keys.key_rotation import LiveKeyRing
from cloudchat.auth.keys.vault import open_vault
from cloudchat.auth.passwords.hashing import PasswordHasher
from cloudchat.auth.passwords.turns import HashingTurns
from cloudchat.auth.routes import auth_routes
from cloudchat.auth.second_factor.routes import second_factor_routes
from cloudchat.auth.second_factor.service import SecondFactorService
from cloudchat.auth.service import AccountService
from cloudchat.auth.sessions.refresh_cookie import RefreshCookie
from cloudchat.auth.tokens.access_tokens import Tokens
from cloudchat.broker.numbering.checkpoint_repository import LogCheckpoints
from cloudchat.broker.numbering.log_checkpoint import save_checkpoint
from cloudchat.database.engine import create_engine
from cloudchat.database.transactions import Database
from cloudchat.http.api_documents import document_route
from cloudchat.http.csrf import only_plain_loopback
from cloudchat.http.error_docs import openapi_document
from cloudchat.http.middleware.install import install_middleware
from cloudchat.http.page_files import PageFiles
from cloudchat.http.routers import add_routers
from cloudchat.http.upgrade_required import upgrade_required
from cloudchat.messages.routes import MessageBackend, message_routes
from cloudchat.observability.health import health_routes
from cloudchat.process.allocator import return_large_blocks
from cloudchat.process.blocking_calls import start_enough_threads
from cloudchat.rate_limiting.http_limits import create_limiter, install_limiter
from cloudchat.rate_limiting.login_slowdown import LoginSlowdown, LoginWindows
from cloudchat.rate_limiting.request_rate import RequestRateLimit
from cloudchat.realtime.membership.room_hints import LocalChanges
from cloudchat.realtime.opening.socket_routing import SOCKET_PATH, SocketRouting
from cloudchat.resources import frontend_directory
from cloudchat.rooms.routes import room_routes
from cloudchat.rooms.service import RoomService
from cloudchat.rooms.summaries.read_position_repository import ReadPositions
from cloudchat.services import Services
from cloudchat.settings import Settings
from cloudchat.users.routes import user_routes
from cloudchat.users.service import UserDirectory

_NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
"""FastAPI's own. It would look for its providers at each request and handshake, and nothing here sets any."""


def create_app(settings: Settings) -> FastAPI:
    """Return the ASGI application. `settings.redis_url` must name a running store; the database must be migrated."""
    if settings.redis_url is None:
        raise ValueError("CLOUDCHAT_REDIS_URL is not set; `cloudchat serve` starts a store and sets it")
    _leave_out_pydantic_1()
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
    authenticator = Authenticator(db, tokens, admins_need_second_factor=settings.admins_need_second_factor)
    admin = AdminService(db, tokens.issue_api, hasher)
    changes = LocalChanges()
    services = Services(
        db,
        keys,
        authenticator,
        RoomService(db, changes.room_changed),
        LogCheckpoints(db),
        ReadPositions(db),
        ArchiveService(db),
    )
    chat = create_chat(settings, redis_url, services)
    requests: Counter[tuple[str, str, int]] = Counter()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        start_enough_threads()
        await permanent_tasks.start(chat, services, settings)
        changes.connect(chat.messaging.notices.announce)
        if settings.metrics_port is not None:
            from cloudchat.app.metrics import serve_metrics

            serve_metrics(chat, requests, settings.metrics_port, settings.state_dir)
        try:
            yield
        finally:
            await chat.supervisor.stop()
            await save_checkpoint(chat.store.broker.marks, services.save_marks)
            await chat.close()
            authenticator.close()
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
    messaging = chat.messaging
    backend = MessageBackend(messaging.posting, messaging.history, chat.delivery.registry)
    add_routers(
        app,
        auth_routes(accounts, authenticator, turns, limiter, settings, cookie=cookie),
        second_factor_routes(accounts, authenticator, turns, limiter, settings),
        admin_routes(admin, authenticator, accounts.sessions, turns, limiter, settings),
        room_routes(services.rooms, authenticator, limiter, settings),
        export_routes(RoomExports(db), authenticator, limiter, settings),
        user_routes(UserDirectory(db), authenticator, limiter, settings),
        message_routes(backend, services.rooms, authenticator, limiter, settings),
        edit_routes(services.archive, authenticator, limiter, settings),
        search_routes(SearchService(db), authenticator, limiter, settings),
        health_routes({"store": chat.store.problem, "tasks": chat.tasks_problem}),
    )
    app.router.routes.append(document_route("/openapi.json", partial(openapi_document, app)))
    app.router.routes.append(document_route("/asyncapi.json", _asyncapi_document))
    app.router.routes.append(Route(SOCKET_PATH, upgrade_required, methods=["GET"]))
    app.mount("/", PageFiles(frontend_directory()), name="frontend")
    return app


def _asyncapi_document() -> dict[str, Any]:
    from cloudchat.protocol.asyncapi import asyncapi_document  # 3 ms, which a start need not wait for

    return asyncapi_document(__version__)


def _leave_out_pydantic_1() -> None:
    """Let FastAPI find that pydantic 1 is not installed.

    It loads the copy in pydantic 2 to reject models of it, of which there are none here: 1.7 MiB of each process, and
    18 ms of its start. With None here, Python's `import` raises ModuleNotFoundError, which FastAPI handles.
    """
    sys.modules.setdefault("pydantic.v1", None)  # type: ignore[arg-type]


def create_app_from_environment() -> FastAPI:
    """Return the application of a process."""
    return_large_blocks()
    return create_app(Settings())
