"""Each account error has the code, status, field and retry time that HTTP clients rely on."""

import pytest

from cloudchat.auth import errors
from cloudchat.auth.errors import AccountError
from cloudchat.protocol.errors import http_error

CONTRACT: list[tuple[AccountError, int, str, str | None, int | None]] = [
    (errors.BadToken("…"), 401, "unauthenticated", None, None),
    (errors.BadCredentials("…"), 401, "unauthenticated", None, None),
    (errors.SecondFactorRequired("…"), 401, "second_factor_required", "totp", None),
    (errors.BadSecondFactor("…"), 401, "unauthenticated", "totp", None),
    (errors.ReauthenticationFailed("code", "…"), 403, "forbidden", "code", None),
    (errors.AccountDisabled("…"), 403, "forbidden", None, None),
    (errors.InvalidField("username", "…"), 422, "bad_request", "username", None),
    (errors.NameTaken("…"), 409, "conflict", "username", None),
    (errors.RegistrationRefused("…"), 403, "forbidden", None, None),
    (errors.RefreshTokenSuperseded("…"), 409, "conflict", None, 500),
    (errors.NotFound("…"), 404, "not_found", None, None),
    (errors.PermissionDenied("…"), 403, "forbidden", None, None),
    (errors.Conflict("…"), 409, "conflict", None, None),
    (errors.Conflict("…", field="scopes"), 409, "conflict", "scopes", None),
    (errors.RefreshedTooOften("…"), 429, "rate_limited", None, 60_000),
    (errors.StepUpRequired("…"), 403, "step_up_required", None, None),
    (errors.PasswordHashingOverloaded("…"), 503, "unavailable", None, 5000),
]


@pytest.mark.parametrize(
    ("error", "status", "code", "field", "retry_after_ms"), CONTRACT, ids=[type(row[0]).__name__ for row in CONTRACT]
)
def test_error_has_its_status_code_field_and_retry_time(
    error: AccountError, status: int, code: str, field: str | None, retry_after_ms: int | None
) -> None:
    response = http_error(
        error.code, str(error), status=error.status, retry_after_ms=error.retry_after_ms, field=error.field
    )
    assert (response.status, response.code, response.field) == (status, code, field)
    assert response.retry_after_ms == retry_after_ms
    assert response.retryable == (retry_after_ms is not None)


def test_every_error_class_is_in_the_contract() -> None:
    assert {type(row[0]) for row in CONTRACT} == set(AccountError.__subclasses__())
