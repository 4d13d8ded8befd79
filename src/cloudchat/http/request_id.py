"""Each request gets a name, which its answer and every line of the log that it causes carry (ASVS 16.2)."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloudchat.core.ids import REQUEST_ID, new_id


class RequestId:
    """Ours, never the client's: a name that somebody else chose could be another request's."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        request = new_id()

        async def naming(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                MutableHeaders(scope=message)["X-Request-Id"] = request
            await send(message)

        before = REQUEST_ID.set(request)
        try:
            await self._app(scope, receive, naming)
        finally:
            REQUEST_ID.reset(before)
