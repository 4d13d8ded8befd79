"""The error responses of routes in the OpenAPI document."""

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, Field

from cloudchat.protocol.errors import ErrorCode, HttpError, http_error


class ErrorDetail(BaseModel):
    """What went wrong."""

    code: str = Field(description="For programs. Codes are stable.", examples=["rate_limited"])
    message: str = Field(description="For people.", examples=["too many requests"])
    retryable: bool = Field(description="Whether the same request can succeed later.", examples=[True])
    retry_after_ms: int | None = Field(
        None, description="The milliseconds after which it can succeed.", examples=[42_000]
    )
    field: str | None = Field(None, description="The part of the request at fault.", examples=["username"])


class ErrorResponse(BaseModel):
    """The body of every error."""

    error: ErrorDetail


_REFERENCE = "#/components/schemas/{model}"

_EXAMPLES: dict[str, HttpError] = {
    "Not signed in, or the credential is not valid": http_error(ErrorCode.UNAUTHENTICATED, "the token has expired"),
    "Not allowed": http_error(ErrorCode.FORBIDDEN, "this account is disabled; ask an administrator"),
    "Does not exist, or belongs to another user": http_error(ErrorCode.NOT_FOUND, "there is no such session"),
    "Conflicts with the current state": http_error(ErrorCode.CONFLICT, "this username is taken", field="username"),
    "The body is too large": http_error(ErrorCode.TOO_LARGE, "the body is larger than 65536 bytes"),
    "The body is not JSON": http_error(ErrorCode.BAD_REQUEST, "send Content-Type: application/json", status=415),
    "The body is not valid": http_error(ErrorCode.BAD_REQUEST, "Field required", status=422, field="username"),
    "Too many requests": http_error(ErrorCode.RATE_LIMITED, "too many requests", retry_after_ms=42_000),
    "Temporarily unavailable": http_error(ErrorCode.UNAVAILABLE, "the database cannot be reached", retry_after_ms=1000),
}
_BY_STATUS = {example.status: (description, example) for description, example in _EXAMPLES.items()}


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """Return FastAPI's document of the routes, with the schemas to which their error responses refer."""
    schema = ErrorResponse.model_json_schema(ref_template=_REFERENCE, mode="serialization")
    document = app.openapi()
    document["components"]["schemas"].update({**schema.pop("$defs"), ErrorResponse.__name__: schema})
    return document


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that can answer with these error statuses."""
    return {status: _documented(status) for status in statuses}


def _documented(status: int) -> dict[str, Any]:
    description, example = _BY_STATUS[status]
    # Not `"model": ErrorResponse`: for each of the 170 responses FastAPI would create a validator, which no request
    # uses. They took 30 ms of each start.
    schema = {"$ref": _REFERENCE.format(model=ErrorResponse.__name__)}
    response: dict[str, Any] = {
        "description": description,
        "content": {"application/json": {"schema": schema, "example": example.content}},
    }
    if example.retry_after_ms is not None:
        response["headers"] = {"Retry-After": {"description": "In seconds.", "schema": {"type": "integer"}}}
    return response
