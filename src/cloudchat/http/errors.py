"""Every HTTP error has one body: `{"error": {"code", "message", "retryable", "retry_after_ms"?, "field"?}}`."""

import logging
import math
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloudchat.core.log_rate_limit import RATE_LIMITED
from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.protocol.errors import ErrorCode, ServiceError, http_error

log = logging.getLogger("cloudchat.http")

_CODE_OF_STATUS = {
    401: ErrorCode.UNAUTHENTICATED,
    403: ErrorCode.FORBIDDEN,
    404: ErrorCode.NOT_FOUND,
    409: ErrorCode.CONFLICT,
    413: ErrorCode.TOO_LARGE,
    429: ErrorCode.RATE_LIMITED,
}
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="cloudchat"'}  # RFC 9110 §11.6.1: a 401 says how to do better


class ApiError(HTTPException):
    """An error to answer with. `retry_after_ms` becomes the header `Retry-After`, too."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        retryable: bool = False,
        retry_after_ms: int | None = None,
        field: str | None = None,
    ) -> None:
        super().__init__(status, detail=message, headers=dict(_CHALLENGE) if status == 401 else None)
        self.code = code
        self.retryable = retryable
        self.retry_after_ms = retry_after_ms
        self.field = field


def install_error_handlers(app: FastAPI) -> None:
    """Give every error of `app` the body: its own, the framework's (404, 405, 422 …), and whatever nobody expected."""
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(ServiceError, _service_error)
    app.add_exception_handler(DatabaseUnavailable, _database_unavailable)
    app.add_middleware(ErrorBoundary)


def error_response(error: ApiError, headers: Mapping[str, str] | None = None) -> Response:
    """The answer for an error."""
    body: dict[str, Any] = {"code": error.code, "message": error.detail, "retryable": error.retryable}
    sent = {**(error.headers or {}), **(headers or {})}
    if error.retry_after_ms is not None:
        body["retry_after_ms"] = error.retry_after_ms
        sent["Retry-After"] = str(max(1, math.ceil(error.retry_after_ms / 1000)))
    if error.field is not None:
        body["field"] = error.field
    return JSONResponse({"error": body}, error.status_code, sent)


class ErrorBoundary:
    """Answers 500 to what no handler knew, within the middleware that adds headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def noticing(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, noticing)
        except Exception:
            # The method and no path: a path may carry what a client should not have put there.
            log.exception("unexpected error in a %s request", scope["method"])
            if started:
                raise
            await error_response(ApiError(500, "internal", "something went wrong here"))(scope, receive, send)


def _service_error(_request: Request, error: Exception) -> Response:
    if not isinstance(error, ServiceError):
        raise error
    rendered = http_error(
        error.code, str(error), status=error.status, retry_after_ms=error.retry_after_ms, field=error.field
    )
    return Response(rendered.body, rendered.status, rendered.headers)


def _database_unavailable(_request: Request, error: Exception) -> Response:
    log.error("%s", error, extra=RATE_LIMITED)
    message = "the database cannot be reached; try again"
    return error_response(ApiError(503, ErrorCode.UNAVAILABLE, message, retryable=True, retry_after_ms=1000))


def _http_error(request: Request, error: Exception) -> Response:
    if isinstance(error, ApiError):
        return error_response(error)
    if not isinstance(error, HTTPException):
        raise error
    status, message, headers = error.status_code, str(error.detail), dict(error.headers or {})
    if status == 400:  # the framework's word for a body that it could not decode; 422, its word for all else, is ours
        status = 422
    if status in (404, 405):
        # What no route takes falls through to the files, which know nothing of it.
        methods = _methods_at(request)
        if methods and request.method not in methods:
            status, message = 405, "Method Not Allowed"
        if status == 405:
            headers["Allow"] = ", ".join(methods or ("GET", "HEAD"))
    code = _CODE_OF_STATUS.get(status, ErrorCode.BAD_REQUEST)
    return error_response(ApiError(status, code, message), headers)


def _methods_at(request: Request) -> list[str]:
    """Every method that the request's path has (RFC 9110 §10.2.1)."""
    routes = [route for route in request.app.routes if not isinstance(route, Mount)]
    return [
        method
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    ]


def _invalid_request(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    # Where and why, never the value: it may be a password.
    first = error.errors()[0]
    # Of a body that is no JSON at all, pydantic tells a position instead of a field.
    place = () if first["type"] == "json_invalid" else first["loc"][1:]
    where = ".".join(str(part) for part in place)[:100]
    field = where.encode(errors="replace").decode() or None  # a field's name may hold what UTF-8 can't
    return error_response(ApiError(422, ErrorCode.BAD_REQUEST, str(first["msg"]), field=field))
