"""The rate of all HTTP requests of one client network, counted in this process.

The routes have limits of their own (http_limits.py). This one covers what has none: the page, paths that do not exist,
the API's documents, handshakes without a token. nginx limits them too, but a load balancer may be all that is in front.
"""

import time
from collections.abc import Callable

from limits import parse
from starlette.types import ASGIApp, Receive, Scope, Send

from cloudchat.core.client_network import client_network
from cloudchat.http.errors import error_response
from cloudchat.http.middleware.asgi import Middleware
from cloudchat.protocol.errors import ErrorCode, http_error
from cloudchat.rate_limiting.keyed_buckets import KeyedBuckets

EXEMPT = frozenset({"/healthz", "/readyz"})
"""A load balancer that is not in CLOUDCHAT_TRUSTED_PROXIES makes all clients one, and must still get these answers."""


class RequestRateLimit(Middleware):
    """Answers 429 to a client network beyond `rate`, such as `6000/minute`; as many requests may come at once."""

    scope_types = ("http", "websocket")

    def __init__(self, app: ASGIApp, rate: str, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(app)
        item = parse(rate)
        self._buckets = KeyedBuckets(item.amount, item.amount / item.get_expiry())
        self._clock = clock

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the request or handshake."""
        if scope["path"] not in EXEMPT:
            address = (scope.get("client") or ("local",))[0] or "local"
            wait_ms = self._buckets.take(client_network(address), self._clock())
            if wait_ms:
                message = "too many requests from this address; wait a little"
                error = http_error(ErrorCode.RATE_LIMITED, message, retry_after_ms=wait_ms)
                await error_response(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)
