"""No request body is read beyond a bound, whether its length was announced or not."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloudchat.http.errors import ApiError, error_response
from cloudchat.protocol.errors import ErrorCode

BODY_BYTES = 65536  # what a message may have over the socket, too


class BodyLimit:
    """Answers 413 to a body larger than `most` bytes."""

    def __init__(self, app: ASGIApp, most: int = BODY_BYTES) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or len(announced) > 18 or int(announced) > self._most:
            await error_response(self._too_large())(scope, receive, send)
            return
        seen = 0

        async def counting() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._most:
                raise self._too_large()  # an HTTPException: the route's own error handling answers it
            return message

        await self._app(scope, counting, send)

    def _too_large(self) -> ApiError:
        return ApiError(413, ErrorCode.TOO_LARGE, f"the body is larger than {self._most} bytes")
