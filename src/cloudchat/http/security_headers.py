"""Headers that tell browsers to be careful, on every answer, errors too (ASVS 3.4)."""

from collections.abc import Callable, Iterable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_TWO_YEARS = "max-age=63072000"


class SecurityHeaders:
    """Adds the headers to HTTP answers, also to those that refuse a socket.

    `origins` gives the allowed origins in force: the page may open sockets to those, and to nothing else.
    """

    def __init__(self, app: ASGIApp, origins: Callable[[], Iterable[str]]) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                self._add(MutableHeaders(scope=message), scope)
            await send(message)

        await self._app(scope, receive, with_headers)

    def _add(self, headers: MutableHeaders, scope: Scope) -> None:
        for name, value in ALWAYS.items():
            headers[name] = value
        headers.setdefault("Content-Security-Policy", content_security_policy(self._origins()))
        if scope["type"] == "websocket" or scope["path"].startswith("/api/"):
            headers["Cache-Control"] = "no-store"  # tokens and people's words stay out of every cache
        if scope["scheme"] in ("https", "wss"):
            headers["Strict-Transport-Security"] = _TWO_YEARS


def content_security_policy(origins: Iterable[str]) -> str:
    """Only this server's own files, and nothing inline. Sockets by name: older browsers' 'self' leaves them out.

    CSP knows no IPv6 address as a host (CSP3 §2.3.1) and browsers warn about one; there 'self' has to do.
    """
    named = (origin for origin in origins if origin.startswith("http") and "[" not in origin)
    sockets = sorted({origin.replace("http", "ws", 1) for origin in named})
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
            "require-trusted-types-for 'script'",
        )
    )
