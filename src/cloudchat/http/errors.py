"""Turn every error of a route or of the framework into a response with the one error body (protocol/errors.py)."""

import logging
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Mount
from starlette.types import Message, Receive, Scope, Send

from cloudchat.core.log_rate_limit import RATE_LIMITED
from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.http.middleware.asgi import Middleware, on_response_start
from cloudchat.protocol.errors import ErrorCode, HttpError, ServiceError, code_of_status, http_error

log = logging.getLogger("cloudchat.http")

_MAX_FIELD_CHARACTERS = 100
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


class ApiError(HTTPException):
    """An error that the HTTP layer itself raises. Services raise `ServiceError`.

    It is an HTTPException because FastAPI turns every other exception during the reading of a body into its own 400.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        status: int | None = None,
        retry_after_ms: int | None = None,
        field: str | None = None,
    ) -> None:
        self.error = http_error(code, message, status=status, retry_after_ms=retry_after_ms, field=field)
        super().__init__(self.error.status, detail=message)


def install_error_handlers(app: FastAPI) -> None:
    """Give every error of `app` the error body: of a service, of the framework (404, 405, 422 …), or unexpected."""
    app.add_exception_handler(HTTPException, _render_http_exception)
    app.add_exception_handler(RequestValidationError, _render_invalid_request)
    app.add_exception_handler(ServiceError, _render_service_error)
    app.add_exception_handler(DatabaseUnavailable, _render_database_unavailable)
    app.add_middleware(ErrorBoundary)


def error_response(error: HttpError, headers: Mapping[str, str] | None = None) -> Response:
    """Return the response of an error, with additional `headers`."""
    return Response(error.body, error.status, {**error.headers, **(headers or {})})


class ErrorBoundary(Middleware):
    """Answers 500 to an exception without a handler. It must be inside of the middleware that adds headers."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application, and log what it raises."""
        started = False

        def note_start(_: Message) -> None:
            nonlocal started
            started = True

        try:
            await self._app(scope, receive, on_response_start(send, note_start))
        except Exception:
            # The method and not the path: a path can contain a secret that a client put there by mistake.
            log.exception("unexpected error in a %s request", scope["method"], extra=RATE_LIMITED)
            if started:
                raise
            error = http_error(ErrorCode.INTERNAL, "something went wrong here")
            await error_response(error)(scope, receive, send)


def _render_service_error(_request: Request, error: Exception) -> Response:
    if not isinstance(error, ServiceError):
        raise error
    return error_response(error.to_http())


def _render_database_unavailable(_request: Request, error: Exception) -> Response:
    log.error("%s", error, extra=RATE_LIMITED)
    message = "the database cannot be reached; try again"
    return error_response(http_error(ErrorCode.UNAVAILABLE, message, retry_after_ms=1000))


def _render_http_exception(request: Request, error: Exception) -> Response:
    if isinstance(error, ApiError):
        return error_response(error.error)
    if not isinstance(error, HTTPException):
        raise error
    status, message, headers = error.status_code, str(error.detail), dict(error.headers or {})
    if status == 400:  # FastAPI's status for a body that it could not decode; it uses 422 for all other invalid bodies
        status = 422
    if status in (404, 405):
        # A request that no route matches reaches the mount of the static files, which knows no routes.
        methods = _methods_of_path(request)
        if methods and request.method not in methods:
            status, message = 405, "Method Not Allowed"
        if status == 405:
            headers["Allow"] = ", ".join(methods or ("GET", "HEAD"))
    return error_response(http_error(code_of_status(status), message, status=status), headers)


def _methods_of_path(request: Request) -> list[str]:
    """Return every method that the routes have at the request's path (RFC 9110 §10.2.1)."""
    routes = [route for route in request.app.routes if not isinstance(route, Mount)]
    return [
        method
        for method in _METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    ]


def _render_invalid_request(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    # The field and the reason, never the value: it can be a password.
    first = error.errors()[0]
    # For a body that is not JSON, pydantic names a position instead of a field.
    location = () if first["type"] == "json_invalid" else first["loc"][1:]
    path = ".".join(str(part) for part in location)[:_MAX_FIELD_CHARACTERS]
    field = path.encode(errors="replace").decode() or None  # a field's name can contain what UTF-8 cannot encode
    return error_response(http_error(ErrorCode.BAD_REQUEST, str(first["msg"]), status=422, field=field))
