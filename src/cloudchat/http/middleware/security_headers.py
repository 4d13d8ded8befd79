"""Security headers on every response, including errors (ASVS 3.4)."""

from collections.abc import Callable, Iterable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloudchat.http.middleware.asgi import Middleware, on_response_start

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_HSTS_TWO_YEARS = "max-age=63072000"


class SecurityHeaders(Middleware):
    """Adds the headers to HTTP responses and to rejected WebSocket handshakes.

    `origins` returns the allowed origins: the page may open sockets to them and to no other server.
    """

    scope_types = ("http", "websocket")

    def __init__(self, app: ASGIApp, origins: Callable[[], Iterable[str]]) -> None:
        super().__init__(app)
        self._origins = origins

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers when the response starts."""

        def add_headers(message: Message) -> None:
            headers = MutableHeaders(scope=message)
            headers.update(ALWAYS)
            headers.setdefault("Content-Security-Policy", content_security_policy(self._origins()))
            if scope["type"] == "websocket" or scope["path"].startswith("/api/"):
                headers["Cache-Control"] = "no-store"  # no cache may keep tokens or messages
            if scope["scheme"] in ("https", "wss"):
                headers["Strict-Transport-Security"] = _HSTS_TWO_YEARS

        await self._app(scope, receive, on_response_start(send, add_headers))


def content_security_policy(origins: Iterable[str]) -> str:
    """Return a policy that allows this server's own files and sockets, and nothing inline.

    Sockets are listed by origin because 'self' does not cover them in older browsers. CSP has no syntax for an IPv6
    address as a host (CSP3 §2.3.1) and browsers warn about one, so for IPv6 only 'self' applies.
    """
    http_origins = (origin for origin in origins if origin.startswith("http") and "[" not in origin)
    sockets = sorted({origin.replace("http", "ws", 1) for origin in http_origins})
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            " ".join(("connect-src 'self'", *sockets)),
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "worker-src 'self'",
            "manifest-src 'self'",
            "require-trusted-types-for 'script'",
            "trusted-types service-worker",
        )
    )
