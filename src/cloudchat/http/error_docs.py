"""Error answers as OpenAPI shows them."""

from typing import Any

from pydantic import BaseModel, Field


class ErrorDetail(BaseModel):
    """What went wrong."""

    code: str = Field(description="For programs; stable.")
    message: str = Field(description="For people.")
    retryable: bool = Field(description="Whether the same request may pass later.")
    retry_after_ms: int | None = Field(None, description="When it may.")
    field: str | None = Field(None, description="The part of the request at fault.")


class ErrorResponse(BaseModel):
    """The body of every error."""

    error: ErrorDetail


_EXAMPLES: dict[int, tuple[str, dict[str, Any]]] = {
    401: ("Not signed in, or the credential is bad", {"code": "unauthenticated", "message": "the token has expired"}),
    403: ("Not allowed", {"code": "forbidden", "message": "this account is disabled; ask an administrator"}),
    404: ("Not there, or not yours", {"code": "not_found", "message": "there is no such session"}),
    409: ("Something else came first", {"code": "conflict", "message": "this username is taken", "field": "username"}),
    413: ("The body is too large", {"code": "too_large", "message": "the body is larger than 65536 bytes"}),
    415: ("The body is not JSON", {"code": "bad_request", "message": "send Content-Type: application/json"}),
    422: ("The body is not as it should be", {"code": "bad_request", "message": "Field required", "field": "username"}),
    429: ("Too many requests", {"code": "rate_limited", "message": "too many requests", "retry_after_ms": 42000}),
    503: ("Try again", {"code": "unavailable", "message": "the database cannot be reached", "retry_after_ms": 1000}),
}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may answer with these error statuses."""
    return {status: _documented(status) for status in statuses}


def _documented(status: int) -> dict[str, Any]:
    description, detail = _EXAMPLES[status]
    example = {"error": {**detail, "retryable": status in (429, 503)}}
    answer: dict[str, Any] = {
        "model": ErrorResponse,
        "description": description,
        "content": {"application/json": {"example": example}},
    }
    if status in (429, 503):
        answer["headers"] = {"Retry-After": {"description": "In seconds.", "schema": {"type": "integer"}}}
    return answer
