"""Rate limits of the HTTP routes by slowapi, counted in the store for all processes together.

slowapi is synchronous, its default limits fail open, and its decorator around a route's function counts only requests
whose credential and body were accepted. So each router has a route class that counts first, in a thread. The counts are
in a bounded table (`window_storage`), which counts in this process while the store is unavailable or full.
"""

import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from limits import parse
from slowapi import Limiter
from slowapi.errors import RateLimitExceeded
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from cloudchat.core.client_network import SUBSCRIBER_FACTOR, client_network, subscriber_network
from cloudchat.http.errors import error_response
from cloudchat.protocol.errors import ErrorCode, http_error
from cloudchat.rate_limiting.window_storage import WindowStorage, stored_window
from cloudchat.settings import Settings

_TABLE, _SHARDS = "http", 64
_KEY_PREFIX = "cloudchat"


def create_limiter(settings: Settings) -> Limiter:
    """Return a limiter that counts in the settings' store, or in memory if there is none."""
    store_url = settings.redis_url.get_secret_value() if settings.redis_url is not None else ""
    (scheme,) = WindowStorage.STORAGE_SCHEME
    options: dict[str, Any] = {"table": _TABLE, "shards": _SHARDS, "store_url": store_url}
    limiter = Limiter(
        client_key,
        storage_uri=f"{scheme}://",
        storage_options=options,
        key_style="endpoint",  # with "url" each id in a path would have a limit of its own
        key_prefix=_KEY_PREFIX,
    )
    limiter.enabled = True  # slowapi reads RATELIMIT_ENABLED from the environment, which must not disable it
    limiter.logger.addFilter(_is_not_a_denial)
    return limiter


def limited_route(limiter: Limiter, rate: str) -> type[APIRoute]:
    """Return the `route_class` of a router. Each of its routes accepts `rate` requests per client.

    The clients of one IPv6 subscriber together may make `SUBSCRIBER_FACTOR` times as many.
    """
    amount, _, period = rate.partition("/")
    subscriber_limit = limiter.limit(
        f"{int(amount) * SUBSCRIBER_FACTOR}/{period}",
        key_func=subscriber_key,
        exempt_when=lambda request: subscriber_network(client_key(request)) is None,
    )

    class LimitedRoute(APIRoute):
        """Counts a request before anything else of it is read."""

        def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
            def count(request: Request) -> None:
                pass  # slowapi's decorator has counted the call

            count.__module__, count.__name__ = endpoint.__module__, endpoint.__name__  # slowapi's key for the route
            self._count: Callable[[Request], None] = subscriber_limit(limiter.limit(rate)(count))
            super().__init__(path, endpoint, **options)

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            """Return the handler; see FastAPI's "Custom Request and APIRoute class"."""
            handler = super().get_route_handler()

            async def count_and_handle(request: Request) -> Response:
                await run_in_threadpool(self._count, request)
                return await handler(request)

            return count_and_handle

    return LimitedRoute


def stored_request_count(network: str, rate: str, endpoint: str) -> tuple[str, bytes]:
    """Return the key and the field of the hash in which the store counts requests of a client network to a route.

    `endpoint` is the full name of the route's function, and `rate` its limit.
    """
    return stored_window(_TABLE, _SHARDS, parse(rate).key_for(_KEY_PREFIX, network, endpoint))


def install_limiter(app: FastAPI, limiter: Limiter) -> None:
    """Answer requests beyond a limit with 429, `Retry-After` and the error body."""

    def reject(request: Request, error: Exception) -> Response:
        if not isinstance(error, RateLimitExceeded):
            raise error
        message = "too many requests from this address; wait a little"
        wait_ms = _milliseconds_to_wait(limiter, request, error)
        return error_response(http_error(ErrorCode.RATE_LIMITED, message, retry_after_ms=wait_ms))

    app.state.limiter = limiter
    app.add_exception_handler(RateLimitExceeded, reject)


def client_address(request: Request) -> str:
    """Return the client's address as the server or its trusted proxy saw it; `local` over a unix socket."""
    return request.client.host if request.client and request.client.host else "local"


def client_key(request: Request) -> str:
    """Return the network whose clients share a limit. Never empty: slowapi does not limit an empty key."""
    return client_network(client_address(request))


def subscriber_key(request: Request) -> str:
    """Return the network of the client's subscriber. Never empty."""
    network = client_key(request)
    return f"subscriber {subscriber_network(network) or network}"


def _is_not_a_denial(record: logging.LogRecord) -> bool:
    # http/middleware/request_log.py logs each denial, at a limited rate.
    return not str(record.msg).startswith("ratelimit ")


def _milliseconds_to_wait(limiter: Limiter, request: Request, error: RateLimitExceeded) -> int:
    item, arguments = request.state.view_rate_limit
    max_ms = int(item.get_expiry()) * 1000
    try:
        reset_at, _ = limiter.limiter.get_window_stats(item, *arguments)
    except Exception:  # the store failed between the count and this call, with any error of its library
        return max_ms
    return min(max_ms, max(1000, int((reset_at - time.time()) * 1000)))
