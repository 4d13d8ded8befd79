"""The base of every ASGI middleware in this package."""

from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_RESPONSE_STARTS = ("http.response.start", "websocket.http.response.start")
"""The second one is the response of a rejected WebSocket handshake."""


class Middleware:
    """Calls `handle` for the scope types that the subclass names; every other scope passes through unchanged."""

    scope_types: tuple[str, ...] = ("http",)

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Run as an ASGI application.

        Not a coroutine itself: each one around a handshake takes time whenever the handshake waits and continues.
        """
        if scope["type"] in self.scope_types:
            return self.handle(scope, receive, send)
        return self._app(scope, receive, send)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request or handshake."""
        raise NotImplementedError


def on_response_start(send: Send, callback: Callable[[Message], None]) -> Send:
    """Return a `send` that first calls `callback` with the message that starts the response."""

    async def send_with_callback(message: Message) -> None:
        if message["type"] in _RESPONSE_STARTS:
            callback(message)
        await send(message)

    return send_with_callback
