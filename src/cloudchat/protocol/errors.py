"""The one error contract: each code with its HTTP status, whether a retry can succeed, and the body.

Routes, middleware, refused handshakes, connections that sent no valid request, and sockets all render their errors from
here. An HTTP body is `{"error": {"code", "message", "retryable", "retry_after_ms"?, "field"?}}`; on a socket the same
fields are the `error` event.
"""

import json
import math
from enum import StrEnum

import msgspec
from msgspec import Struct


class ErrorCode(StrEnum):
    """What went wrong, for programs; `message` explains it to people. A code never changes its meaning."""

    BAD_REQUEST = "bad_request"
    TOO_LARGE = "too_large"
    UNAUTHENTICATED = "unauthenticated"
    SECOND_FACTOR_REQUIRED = "second_factor_required"
    """HTTP only: the password is right and the account has a second factor."""
    STEP_UP_REQUIRED = "step_up_required"
    """HTTP only: the session must prove the password or the second factor again, by `POST /api/auth/step-up`."""
    NOT_FOUND = "not_found"
    FORBIDDEN = "forbidden"
    MUTED = "muted"
    """A moderator has muted the user in this room; `retry_after_ms` says when it ends, if it ends by itself."""
    RATE_LIMITED = "rate_limited"
    CONFLICT = "conflict"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"
    """HTTP only: an unexpected error. A socket is closed with 1011 instead."""


STATUS: dict[ErrorCode, int] = {
    ErrorCode.BAD_REQUEST: 400,
    ErrorCode.TOO_LARGE: 413,
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.SECOND_FACTOR_REQUIRED: 401,
    ErrorCode.STEP_UP_REQUIRED: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.MUTED: 403,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.CONFLICT: 409,
    ErrorCode.UNAVAILABLE: 503,
    ErrorCode.INTERNAL: 500,
}
"""The status of a code where nothing more exact is known."""

RETRYABLE: frozenset[ErrorCode] = frozenset({ErrorCode.RATE_LIMITED, ErrorCode.UNAVAILABLE})

_CODE_OF_STATUS = {
    401: ErrorCode.UNAUTHENTICATED,
    403: ErrorCode.FORBIDDEN,
    404: ErrorCode.NOT_FOUND,
    409: ErrorCode.CONFLICT,
    413: ErrorCode.TOO_LARGE,
    414: ErrorCode.TOO_LARGE,
    429: ErrorCode.RATE_LIMITED,
    431: ErrorCode.TOO_LARGE,
    500: ErrorCode.INTERNAL,
    503: ErrorCode.UNAVAILABLE,
}
_REQUEST_TIMEOUT = 408  # RFC 9110 §15.5.9: the client may repeat the request
_CHALLENGE = 'Bearer realm="cloudchat"'  # RFC 9110 §11.6.1: a 401 names the scheme that would be accepted


def code_of_status(status: int) -> ErrorCode:
    """Return the code of a status that a library chose; `bad_request` for every status without a code of its own."""
    return _CODE_OF_STATUS.get(status, ErrorCode.BAD_REQUEST)


class ServiceError(Exception):
    """An error that a service raises and a client may see. The message must never repeat a secret.

    Subclasses set `code`, and `status` where the code's own status is too coarse. Attributes:
        field: The part of the request at fault.
        retry_after_ms: When the same request can succeed; makes the error retryable.
    """

    code: ErrorCode = ErrorCode.BAD_REQUEST
    status: int | None = None
    field: str | None = None
    retry_after_ms: int | None = None

    def to_http(self) -> "HttpError":
        """Return the HTTP response of this error."""
        return http_error(
            self.code, str(self), status=self.status, retry_after_ms=self.retry_after_ms, field=self.field
        )


class HttpError(Struct, frozen=True, kw_only=True):
    """An error as an HTTP response: `status`, `headers` and `body` are ready to send."""

    code: ErrorCode
    message: str
    status: int
    retry_after_ms: int | None = None
    field: str | None = None

    @property
    def retryable(self) -> bool:
        """Whether the same request can succeed later."""
        return self.code in RETRYABLE or self.status == _REQUEST_TIMEOUT or self.retry_after_ms is not None

    @property
    def headers(self) -> dict[str, str]:
        """The headers that belong to the error itself. `Retry-After` is whole seconds, never 0 (RFC 9110 §10.2.3)."""
        headers = {"Content-Type": "application/json"}
        if self.retry_after_ms is not None:
            headers["Retry-After"] = str(max(1, math.ceil(self.retry_after_ms / 1000)))
        if self.status == STATUS[ErrorCode.UNAUTHENTICATED]:
            headers["WWW-Authenticate"] = _CHALLENGE
        return headers

    @property
    def content(self) -> dict[str, dict[str, object]]:
        """The body before its encoding."""
        error: dict[str, object] = {"code": self.code, "message": self.message, "retryable": self.retryable}
        if self.retry_after_ms is not None:
            error["retry_after_ms"] = self.retry_after_ms
        if self.field is not None:
            error["field"] = self.field
        return {"error": error}

    @property
    def body(self) -> bytes:
        """The JSON body."""
        return json.dumps(self.content).encode()


def http_error(
    code: ErrorCode,
    message: str,
    *,
    status: int | None = None,
    retry_after_ms: int | None = None,
    field: str | None = None,
) -> HttpError:
    """Return the HTTP response of an error. `status` replaces that of the code where HTTP is more exact (415, 422)."""
    return HttpError(
        code=code, message=message, status=status or STATUS[code], retry_after_ms=retry_after_ms, field=field
    )


class Error(msgspec.Struct, tag_field="type", tag="error", omit_defaults=True, frozen=True, kw_only=True):
    """The `error` event of a socket. `field` is the part at fault; `retry_after_ms` is when a retry can succeed."""

    id: str | None = None
    code: ErrorCode
    message: str
    retryable: bool
    retry_after_ms: int | None = None
    field: str | None = None


def error(
    code: ErrorCode, message: str, *, id: str | None = None, retry_after_ms: int | None = None, field: str | None = None
) -> Error:
    """Return an `Error`. It is retryable if its code is, or if it says when a retry can succeed."""
    return Error(
        id=id,
        code=code,
        message=message,
        retryable=code in RETRYABLE or retry_after_ms is not None,
        retry_after_ms=retry_after_ms,
        field=field,
    )


RETRY_UNAVAILABLE_MS = 500
"""After what time a client may repeat a command that a dependency could not serve."""


def unavailable(id: str | None, message: str) -> Error:
    """Return the error of a command that cannot be served while a dependency is away."""
    return error(ErrorCode.UNAVAILABLE, message, id=id, retry_after_ms=RETRY_UNAVAILABLE_MS)
