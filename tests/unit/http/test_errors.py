"""Exceptions of a route become responses with the error body."""

import pytest
from starlette.exceptions import HTTPException

from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.http.error_docs import documented
from cloudchat.http.errors import ApiError
from cloudchat.protocol.errors import ErrorCode, ServiceError
from cloudchat.rate_limiting.http_limits import create_limiter
from cloudchat.settings import Settings
from support.http_app import ORIGIN, TestClient, make_app


class Busy(ServiceError):
    """An error of a service."""

    code = ErrorCode.UNAVAILABLE
    retry_after_ms = 1500


def response_to(error: Exception) -> tuple[int, dict[str, object], str | None]:
    """Return status, error and Retry-After of a route that raises `error`."""
    app = make_app(create_limiter(Settings()))

    @app.get("/raises")
    def raises() -> None:
        raise error

    with TestClient(app, base_url=ORIGIN, raise_server_exceptions=False) as client:
        response = client.get("/raises")
    return response.status_code, response.json()["error"], response.headers.get("retry-after")


def test_a_service_error_is_rendered_with_its_code_and_retry_time() -> None:
    assert response_to(Busy("try again")) == (
        503,
        {"code": "unavailable", "message": "try again", "retryable": True, "retry_after_ms": 1500},
        "2",
    )


def test_an_unavailable_database_is_503_and_retryable() -> None:
    status, error, retry_after = response_to(DatabaseUnavailable("secret host"))
    assert (status, error["code"], error["retryable"], retry_after) == (503, "unavailable", True, "1")
    assert "secret" not in str(error["message"])


def test_an_api_error_can_have_a_more_exact_status() -> None:
    status, error, _ = response_to(ApiError(ErrorCode.BAD_REQUEST, "send JSON", status=415, field="body"))
    assert (status, error) == (
        415,
        {"code": "bad_request", "message": "send JSON", "retryable": False, "field": "body"},
    )


def test_an_exception_of_the_framework_gets_the_code_of_its_status() -> None:
    status, error, _ = response_to(HTTPException(409, "taken"))
    assert (status, error) == (409, {"code": "conflict", "message": "taken", "retryable": False})


def test_an_unexpected_exception_is_500_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    status, error, _ = response_to(RuntimeError("a secret of the implementation"))
    assert (status, error["code"]) == (500, "internal")
    assert "secret" not in str(error["message"])
    assert "unexpected error in a GET request" in caplog.text


@pytest.mark.parametrize("status", [401, 403, 404, 409, 413, 415, 422, 429, 503])
def test_every_documented_status_has_an_example_from_the_contract(status: int) -> None:
    response = documented(status)[status]
    error = response["content"]["application/json"]["example"]["error"]
    assert error["retryable"] is ("retry_after_ms" in error) is ("headers" in response)
