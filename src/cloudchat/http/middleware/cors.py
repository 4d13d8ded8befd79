"""Cross-origin requests (CORS, Fetch standard): pages of the allowed origins may use the API with credentials.

Starlette's CORSMiddleware is not used: it sends `Access-Control-Allow-Credentials` to every origin and answers
preflights in plain text.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloudchat.http.csrf import ORIGIN_NOT_ALLOWED, Origins
from cloudchat.http.errors import error_response
from cloudchat.http.middleware.asgi import Middleware, on_response_start
from cloudchat.protocol.errors import ErrorCode, http_error

_PREFLIGHT_HEADERS = {
    "Access-Control-Allow-Methods": "GET, POST, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "600",
}


class CorsMiddleware(Middleware):
    """Adds the CORS headers to responses for an allowed origin only, and answers preflights.

    An origin is compared byte by byte with `origins`: no patterns, no `*`, and never `null`. CORS only decides what a
    browser shows to its page; the routes do their own access checks.
    """

    def __init__(self, app: ASGIApp, origins: Origins) -> None:
        super().__init__(app)
        self._origins = origins

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers, and answer a preflight without calling the application."""
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        allowed = origin is not None and origin != "null" and origin in self._origins()

        def add_headers(message: Message) -> None:
            response = MutableHeaders(scope=message)
            response.add_vary_header("Origin")  # also without an Origin: a cache must not mix the two responses up
            if allowed and origin is not None:
                response["Access-Control-Allow-Origin"] = origin
                response["Access-Control-Allow-Credentials"] = "true"
                response["Access-Control-Expose-Headers"] = "Retry-After"

        is_preflight = scope["method"] == "OPTIONS" and "access-control-request-method" in headers
        app = _preflight_response(allowed) if is_preflight and origin is not None else self._app
        await app(scope, receive, on_response_start(send, add_headers))


def _preflight_response(allowed: bool) -> ASGIApp:
    if allowed:
        return Response(status_code=204, headers=_PREFLIGHT_HEADERS)
    return error_response(http_error(ErrorCode.FORBIDDEN, ORIGIN_NOT_ALLOWED))
