"""The error codes of `cloudchat.v1`: one stable word each, the same over the socket and over HTTP."""

from enum import StrEnum

import msgspec


class ErrorCode(StrEnum):
    """What went wrong, for programs; `message` says it to people."""

    BAD_REQUEST = "bad_request"
    TOO_LARGE = "too_large"
    UNAUTHENTICATED = "unauthenticated"
    NOT_FOUND = "not_found"
    FORBIDDEN = "forbidden"
    MUTED = "muted"
    RATE_LIMITED = "rate_limited"
    CONFLICT = "conflict"
    UNAVAILABLE = "unavailable"


RETRYABLE: frozenset[ErrorCode] = frozenset({ErrorCode.RATE_LIMITED, ErrorCode.UNAVAILABLE})


class Error(msgspec.Struct, tag_field="type", tag="error", omit_defaults=True, frozen=True, kw_only=True):
    """The `error` event. `field` is the one at fault; `retry_after_ms` is when the same command may pass."""

    id: str | None = None
    code: ErrorCode
    message: str
    retryable: bool
    retry_after_ms: int | None = None
    field: str | None = None


def error(
    code: ErrorCode, message: str, *, id: str | None = None, retry_after_ms: int | None = None, field: str | None = None
) -> Error:
    """An `Error` whose `retryable` follows from its code."""
    return Error(
        id=id,
        code=code,
        message=message,
        retryable=code in RETRYABLE,
        retry_after_ms=retry_after_ms,
        field=field,
    )
