"""The record of each request: an id, a count for `/metrics`, and a log line if it was denied."""

import logging
from collections import Counter

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloudchat.core.ids import REQUEST_ID, new_id
from cloudchat.core.log_rate_limit import RATE_LIMITED
from cloudchat.http.middleware.asgi import Middleware, on_response_start

log = logging.getLogger("cloudchat.http")

USER = "cloudchat.user"
"""The key in `scope["state"]` under which a route's credential check stores the user's id."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_DENIALS = {401: "not signed in", 403: "authorization refused", 429: "limit hit"}


class RequestId(Middleware):
    """Gives each request an id, which is in its response and in every log line that it causes (ASVS 16.2).

    The server creates the id. A client could choose the id of another request.
    """

    scope_types = ("http", "websocket")

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Set the context variable for the time of the request."""
        request_id = new_id()

        def add_header(message: Message) -> None:
            MutableHeaders(scope=message)["X-Request-Id"] = request_id

        token = REQUEST_ID.set(request_id)
        try:
            await self._app(scope, receive, on_response_start(send, add_header))
        finally:
            REQUEST_ID.reset(token)


class RequestLog(Middleware):
    """Counts responses in `counts` by (method, route, status), and logs those with 401, 403 or 429 (ASVS 16.3).

    The route is its declaration (`/api/rooms/{room_id}`), never the path: clients choose paths. Nothing that the client
    wrote is logged.
    """

    def __init__(self, app: ASGIApp, counts: Counter[tuple[str, str, int]]) -> None:
        super().__init__(app)
        self._counts = counts

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Record the response when it starts."""

        def record(message: Message) -> None:
            method = scope["method"] if scope["method"] in _METHODS else "other"
            route, status = getattr(scope.get("route"), "path", "none"), message["status"]
            self._counts[method, route, status] += 1
            if status in _DENIALS:
                user = scope.get("state", {}).get(USER, "unknown")
                address = (scope.get("client") or ("local",))[0]
                denial = _DENIALS[status], route, user, address
                log.info("%s route=%s user=%s address=%s", *denial, extra=RATE_LIMITED)

        await self._app(scope, receive, on_response_start(send, record))
