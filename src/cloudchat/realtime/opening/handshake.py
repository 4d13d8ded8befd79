"""The rules of the WebSocket handshake: the credential, the page's origin, and how a rejection reaches the client."""

import logging
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from starlette.types import Scope, Send

from cloudchat.core.log_rate_limit import RATE_LIMITED
from cloudchat.protocol import events
from cloudchat.protocol.close_codes import CloseCode
from cloudchat.protocol.errors import RETRYABLE, ErrorCode, HttpError, http_error
from cloudchat.protocol.errors import error as error_event
from cloudchat.realtime.socket_stats import SocketStats

logger = logging.getLogger(__name__)

SUBPROTOCOL = "cloudchat.v1"
TOKEN_PREFIX = "cloudchat.token."  # noqa: S105 (the part in front of the secret)
DEFAULT_RETRY_AFTER_SECONDS = 2
_CLOSE_CODES = {ErrorCode.RATE_LIMITED: CloseCode.FLOODING, ErrorCode.UNAVAILABLE: CloseCode.STORE_UNAVAILABLE}


class Credential(Struct, frozen=True):
    """A token that has not been validated yet.

    `from_header` is True for `Authorization: Bearer`. A browser cannot set that header for a WebSocket; it sends the
    token as a subprotocol instead, and it cannot read the HTTP status of a rejected handshake either.
    """

    token: str
    from_header: bool


class HandshakeRejection(Exception):
    """The handshake is answered with an HTTP error instead of the upgrade.

    Args:
        code: The error code; `protocol/errors.py` gives its status, headers and body.
        message: Explains the rejection to people.
        retry_after_seconds: When to try again; retryable codes have a default.
        close_code: Sent instead of the HTTP error to a client that sent its token as a subprotocol: a browser cannot
            read an HTTP status, but it can read a close code. Limits and outages have a default, and an `error` with
            the message comes before it.
        user_id: The authenticated user, for the log.

    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        retry_after_seconds: int = DEFAULT_RETRY_AFTER_SECONDS,
        close_code: CloseCode | None = None,
        user_id: str = "unknown",
    ) -> None:
        super().__init__(message)
        retry_after_ms = retry_after_seconds * 1000 if code in RETRYABLE else None
        self.error: HttpError = http_error(code, message, retry_after_ms=retry_after_ms)
        self.close_code = close_code or _CLOSE_CODES.get(code)
        self.user_id = user_id


def credential_of(headers: Mapping[str, str], subprotocols: Sequence[str]) -> Credential:
    """Return the handshake's only credential. Header names are in lower case. Raises `HandshakeRejection`."""
    if SUBPROTOCOL not in subprotocols:
        raise HandshakeRejection(ErrorCode.BAD_REQUEST, f"request the subprotocol {SUBPROTOCOL}")
    tokens = [name.removeprefix(TOKEN_PREFIX) for name in subprotocols if name.startswith(TOKEN_PREFIX)]
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and bearer.strip():
        return Credential(bearer.strip(), from_header=True)
    if len(tokens) == 1:
        return Credential(tokens[0], from_header=False)
    if tokens:
        raise HandshakeRejection(ErrorCode.BAD_REQUEST, "there is more than one token; send one")
    message = f"send an access token: Authorization: Bearer …, or the subprotocol {TOKEN_PREFIX}…"
    raise HandshakeRejection(ErrorCode.UNAUTHENTICATED, message)


def check_origin(headers: Mapping[str, str], allowed: Iterable[str]) -> None:
    """Raise `HandshakeRejection` for a page of another origin, including `null` (cross-site WebSocket hijacking).

    Programs send no `Origin` header; they are accepted.
    """
    origin = headers.get("origin")
    if origin is not None and origin not in allowed:
        message = "this page's origin is not allowed (CLOUDCHAT_ALLOWED_ORIGINS)"
        raise HandshakeRejection(ErrorCode.FORBIDDEN, message)


class HandshakeResponder:
    """Sends rejections, logs them and counts them."""

    def __init__(self, stats: SocketStats) -> None:
        self._stats = stats

    async def reject(
        self, send: Send, rejection: HandshakeRejection, client: str, credential: Credential | None = None
    ) -> None:
        """Answer the handshake with the error in the form that the sender of the credential can read."""
        error = rejection.error
        self._stats.handshakes[error.code] += 1
        fields = error.status, error.code, rejection.user_id, client
        logger.info("socket refused status=%d code=%s user=%s address=%s", *fields, extra=RATE_LIMITED)
        if rejection.close_code is not None and credential is not None and not credential.from_header:
            close_code = rejection.close_code
            await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
            if error.retry_after_ms is not None:
                frame = error_event(error.code, error.message, retry_after_ms=error.retry_after_ms)
                await send({"type": "websocket.send", "text": events.encode(frame).decode()})
            await send({"type": "websocket.close", "code": int(close_code), "reason": close_code.reason})
            return
        headers = [(name.lower().encode(), value.encode()) for name, value in error.headers.items()]
        await send({"type": "websocket.http.response.start", "status": error.status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": error.body})


def client_address(scope: Scope) -> str:
    """Return the client's address; `local` for a peer on a unix socket that no proxy header names."""
    address: str = (scope["client"] or ("local",))[0]
    return address
