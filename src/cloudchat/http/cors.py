"""Cross-origin requests (CORS, Fetch standard): pages of the allowed origins may use the API, with credentials.

Starlette's middleware would tell every origin that credentials are welcome, and answers preflights in plain text.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloudchat.http.csrf import Origins
from cloudchat.http.errors import ApiError, error_response
from cloudchat.protocol.errors import ErrorCode

_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "600",
}


class CorsMiddleware:
    """Adds the headers for an allowed origin, and none for any other; answers preflights itself.

    The origin must be one of `origins` to the letter: no patterns, no `*`, and `null` never. Nothing is decided here
    but what a browser shows its page: routes refuse by themselves.
    """

    def __init__(self, app: ASGIApp, origins: Origins) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        allowed = origin is not None and origin != "null" and origin in self._origins()

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent = MutableHeaders(scope=message)
                sent.add_vary_header("Origin")  # also without one: caches must not mix the two up
                if allowed and origin is not None:
                    sent["Access-Control-Allow-Origin"] = origin
                    sent["Access-Control-Allow-Credentials"] = "true"
                    sent["Access-Control-Expose-Headers"] = "Retry-After"
            await send(message)

        if scope["method"] == "OPTIONS" and origin is not None and "access-control-request-method" in headers:
            await _preflight(allowed)(scope, receive, with_headers)
        else:
            await self._app(scope, receive, with_headers)


def _preflight(allowed: bool) -> ASGIApp:
    if not allowed:
        message = "this page's origin is not allowed (CLOUDCHAT_ALLOWED_ORIGINS)"
        return error_response(ApiError(403, ErrorCode.FORBIDDEN, message))

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name.lower().encode(), value.encode()) for name, value in _PREFLIGHT.items()]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    return answer
