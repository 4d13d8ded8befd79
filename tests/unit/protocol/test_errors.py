"""The error contract: status, retryable, headers and body of each code."""

import json

import pytest

from cloudchat.protocol.errors import RETRYABLE, STATUS, ErrorCode, ServiceError, code_of_status, error, http_error


@pytest.mark.parametrize("code", ErrorCode)
def test_every_code_has_a_status(code: ErrorCode) -> None:
    assert http_error(code, "message").status == STATUS[code]


@pytest.mark.parametrize("code", ErrorCode)
def test_sockets_and_http_agree_on_code_and_retryable(code: ErrorCode) -> None:
    over_http = json.loads(http_error(code, "message").body)["error"]
    over_socket = error(code, "message")
    assert over_http == {"code": over_socket.code, "message": "message", "retryable": over_socket.retryable}
    assert over_socket.retryable is (code in RETRYABLE)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, ErrorCode.BAD_REQUEST),
        (405, ErrorCode.BAD_REQUEST),
        (408, ErrorCode.BAD_REQUEST),
        (413, ErrorCode.TOO_LARGE),
        (414, ErrorCode.TOO_LARGE),
        (422, ErrorCode.BAD_REQUEST),
        (426, ErrorCode.BAD_REQUEST),
        (429, ErrorCode.RATE_LIMITED),
        (431, ErrorCode.TOO_LARGE),
        (500, ErrorCode.INTERNAL),
        (503, ErrorCode.UNAVAILABLE),
    ],
)
def test_a_status_of_a_library_has_a_code(status: int, code: ErrorCode) -> None:
    assert code_of_status(status) is code


def test_a_request_timeout_is_retryable() -> None:
    assert http_error(ErrorCode.BAD_REQUEST, "too slow", status=408).retryable


@pytest.mark.parametrize(("retry_after_ms", "header"), [(1, "1"), (500, "1"), (1000, "1"), (1001, "2"), (42_000, "42")])
def test_retry_after_is_whole_seconds_rounded_up(retry_after_ms: int, header: str) -> None:
    conflict = http_error(ErrorCode.CONFLICT, "try again", retry_after_ms=retry_after_ms)
    assert conflict.headers["Retry-After"] == header
    assert conflict.retryable, "an error with a time to retry is retryable, with any code"
    assert json.loads(conflict.body)["error"]["retry_after_ms"] == retry_after_ms


@pytest.mark.parametrize("code", [ErrorCode.UNAUTHENTICATED, ErrorCode.SECOND_FACTOR_REQUIRED])
def test_401_has_a_challenge(code: ErrorCode) -> None:
    assert http_error(code, "sign in").headers["WWW-Authenticate"] == 'Bearer realm="cloudchat"'
    assert "WWW-Authenticate" not in http_error(ErrorCode.FORBIDDEN, "not allowed").headers


def test_a_service_error_becomes_an_http_error_with_its_attributes() -> None:
    class UsernameInvalid(ServiceError):
        code = ErrorCode.BAD_REQUEST
        status = 422
        field = "username"

    response = UsernameInvalid("too short").to_http()
    assert response.status == 422
    assert json.loads(response.body) == {
        "error": {"code": "bad_request", "message": "too short", "retryable": False, "field": "username"}
    }
