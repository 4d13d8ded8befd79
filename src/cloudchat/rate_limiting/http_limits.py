"""Rate limits of the HTTP routes, by slowapi, counted in the store so that all processes share them.

slowapi is synchronous, its defaults fail open, and around a route's function its decorator counts only what got past
the credential and the body. So each router has a route class that counts first, in a thread; the store gets a quarter
of a second before this process counts by itself.
"""

import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from slowapi import Limiter
from slowapi.errors import RateLimitExceeded
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from cloudchat.core.client_network import client_network
from cloudchat.http.errors import ApiError, error_response
from cloudchat.protocol.errors import ErrorCode
from cloudchat.rate_limiting.shared_window import STORE_TIMEOUT_SECONDS, storage_uri
from cloudchat.settings import Settings


def create_limiter(settings: Settings) -> Limiter:
    """A limiter on the settings' store, or in memory if there is none."""
    storage_options: dict[str, Any] = {}
    uri = "memory://"
    if settings.redis_url is not None:
        uri = storage_uri(settings.redis_url.get_secret_value())
        storage_options = {
            "socket_timeout": STORE_TIMEOUT_SECONDS,
            "socket_connect_timeout": STORE_TIMEOUT_SECONDS,
        }
    limiter = Limiter(
        client_key,
        storage_uri=uri,
        storage_options=storage_options,
        in_memory_fallback_enabled=True,
        key_style="endpoint",  # by URL, each id in a path would have an allowance of its own
        key_prefix="cloudchat",
    )
    limiter.enabled = True  # whatever RATELIMIT_ENABLED, which slowapi reads from the environment, says
    limiter.logger.addFilter(_no_refusal)
    return limiter


def limited_route(limiter: Limiter, rate: str) -> type[APIRoute]:
    """A router's `route_class`: each of its routes answers so many requests of a client, whatever becomes of them."""

    class LimitedRoute(APIRoute):
        """Counts before anything of the request is looked at."""

        def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
            def count(request: Request) -> None:
                pass  # slowapi has counted by now

            count.__module__, count.__name__ = endpoint.__module__, endpoint.__name__  # what slowapi counts by
            self._count: Callable[[Request], None] = limiter.limit(rate)(count)
            super().__init__(path, endpoint, **options)

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            """See FastAPI's "Custom Request and APIRoute class"."""
            answer = super().get_route_handler()

            async def count_and_answer(request: Request) -> Response:
                await run_in_threadpool(self._count, request)
                return await answer(request)

            return count_and_answer

    return LimitedRoute


def install_limiter(app: FastAPI, limiter: Limiter) -> None:
    """Answer what the limiter refuses: 429, `Retry-After`, and the error body."""

    def refuse(request: Request, error: Exception) -> Response:
        if not isinstance(error, RateLimitExceeded):
            raise error
        return error_response(
            ApiError(
                429,
                ErrorCode.RATE_LIMITED,
                "too many requests from this address; wait a little",
                retryable=True,
                retry_after_ms=_wait_ms(limiter, request, error),
            )
        )

    app.state.limiter = limiter
    app.add_exception_handler(RateLimitExceeded, refuse)


def client_address(request: Request) -> str:
    """The address of who asks, as the server or its trusted proxy saw it; `local` over a unix socket."""
    return request.client.host if request.client and request.client.host else "local"


def client_key(request: Request) -> str:
    """Who shares an allowance. Never empty, which slowapi would let pass."""
    return client_network(client_address(request))


def _no_refusal(record: logging.LogRecord) -> bool:
    # Each is told by http/denial_log.py, and there only so often in a minute.
    return not str(record.msg).startswith("ratelimit ")


def _wait_ms(limiter: Limiter, request: Request, error: RateLimitExceeded) -> int:
    item, arguments = request.state.view_rate_limit
    longest = int(item.get_expiry()) * 1000
    try:
        reset_at, _ = limiter.limiter.get_window_stats(item, *arguments)
    except Exception:  # the store went away between the count and this question; whatever its library raises
        return longest
    return min(longest, max(1000, int((reset_at - time.time()) * 1000)))
