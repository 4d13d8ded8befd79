"""The size limit of request bodies."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloudchat.http.errors import ApiError, error_response
from cloudchat.http.middleware.asgi import Middleware
from cloudchat.protocol.errors import ErrorCode

MAX_BODY_BYTES = 65536  # the same as for a message on a socket
_MAX_LENGTH_DIGITS = 18


class BodyLimit(Middleware):
    """Answers 413 to a body of more than `max_bytes`, with or without a `Content-Length`."""

    def __init__(self, app: ASGIApp, max_bytes: int = MAX_BODY_BYTES) -> None:
        super().__init__(app)
        self._max_bytes = max_bytes

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reject by the declared length first, then count the received bytes."""
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or len(declared) > _MAX_LENGTH_DIGITS or int(declared) > self._max_bytes:
            await error_response(self._too_large().error)(scope, receive, send)
            return
        received = 0

        async def receive_counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise self._too_large()  # an HTTPException, which FastAPI passes on while it reads a body
            return message

        await self._app(scope, receive_counted, send)

    def _too_large(self) -> ApiError:
        return ApiError(ErrorCode.TOO_LARGE, f"the body is larger than {self._max_bytes} bytes")
