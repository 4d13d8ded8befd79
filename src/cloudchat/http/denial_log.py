"""Every request that was turned away is logged: 401, 403, 429 (ASVS 16.3). Without what the client wrote."""

import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloudchat.core.log_rate_limit import RATE_LIMITED

log = logging.getLogger("cloudchat.http")

_WORDS = {401: "not signed in", 403: "authorization refused", 429: "limit hit"}
USER = "cloudchat.user"
"""Under this name a route's credential leaves the user's id in `scope["state"]`."""


class DenialLog:
    """Writes one line for each refusal: the route as it was declared, never the path, which a client chose."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def noticing(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in _WORDS:
                log.info(
                    "%s route=%s user=%s address=%s",
                    _WORDS[message["status"]],
                    getattr(scope.get("route"), "path", "none"),
                    scope.get("state", {}).get(USER, "unknown"),
                    (scope.get("client") or ("local",))[0],
                    extra=RATE_LIMITED,
                )
            await send(message)

        await self._app(scope, receive, noticing)
