"""Step-up: what proves the user again, for how long, and how guesses are limited."""

from collections.abc import Callable

import pyotp
import pytest

from cloudchat.auth.errors import (
    BadCredentials,
    BadSecondFactor,
    BadToken,
    Conflict,
    InvalidField,
    StepUpRequired,
)
from cloudchat.auth.principal import STEP_UP_SECONDS, Principal, demand_step_up
from cloudchat.database.audit import REFUSED
from cloudchat.rate_limiting.login_slowdown import TooManyAttempts
from support.account_services import NOW, PASSWORD, AccountServices

LATER = NOW + STEP_UP_SECONDS


@pytest.mark.parametrize("verified_at", [None, NOW - STEP_UP_SECONDS, NOW - 86400, NOW + 60])
def test_an_old_proof_is_refused(verified_at: float | None) -> None:
    with pytest.raises(StepUpRequired):
        demand_step_up(verified_at, NOW)


@pytest.mark.parametrize("verified_at", [NOW, NOW - STEP_UP_SECONDS + 1])
def test_a_fresh_proof_is_accepted(verified_at: float) -> None:
    demand_step_up(verified_at, NOW)


@pytest.fixture
def principal(services: AccountServices) -> Principal:
    services.register()
    return services.authenticate(services.login().access_token)


@pytest.fixture
def app(services: AccountServices, principal: Principal) -> pyotp.TOTP:
    """The authenticator app of the user's second factor."""
    totp = pyotp.TOTP(services.accounts.begin_second_factor(principal, PASSWORD, address="", now=NOW))
    services.accounts.second_factor.confirm(principal, totp.at(int(NOW)), address="", now=NOW)
    return totp


def step_up(
    services: AccountServices, principal: Principal, *, password: str | None = None, code: str | None = None
) -> None:
    services.accounts.step_up.verify(principal, password=password, code=code, address="test", now=LATER)


def verified_at(services: AccountServices, principal: Principal) -> float | None:
    token = services.tokens.issue_access(principal.user_id, principal.session_id, "token", LATER)
    return services.authenticate(token, now=LATER).verified_at


def test_a_login_is_a_proof_and_a_refresh_is_none(services: AccountServices) -> None:
    services.register()
    tokens = services.login()
    assert services.authenticate(tokens.access_token).verified_at == NOW
    tokens = services.refresh(tokens.refresh_token, now=LATER)
    assert services.authenticate(tokens.access_token, now=LATER).verified_at == NOW


def test_the_password_is_a_proof(services: AccountServices, principal: Principal) -> None:
    step_up(services, principal, password=PASSWORD)
    assert verified_at(services, principal) == LATER


def test_a_code_is_a_proof(services: AccountServices, principal: Principal, app: pyotp.TOTP) -> None:
    step_up(services, principal, code=app.at(int(LATER)))
    assert verified_at(services, principal) == LATER
    with pytest.raises(BadSecondFactor):  # each code once
        step_up(services, principal, code=app.at(int(LATER)))


def test_a_wrong_password_is_refused_and_audited(services: AccountServices, principal: Principal) -> None:
    with pytest.raises(BadCredentials):
        step_up(services, principal, password="wrong")
    assert verified_at(services, principal) == NOW
    newest = services.admin.audit_log(None, 1)[0]
    assert (newest.action, newest.result, newest.target) == ("session.step_up", REFUSED, principal.session_id)


def test_a_wrong_code_is_refused_whatever_the_password(
    services: AccountServices, principal: Principal, app: pyotp.TOTP
) -> None:
    wrong = app.at(int(LATER) + 3000)
    for password in (None, PASSWORD):
        with pytest.raises(BadSecondFactor):
            step_up(services, principal, password=password, code=wrong)
    assert verified_at(services, principal) == NOW


@pytest.mark.parametrize("code", [None, "123456", "", " "])
def test_without_a_second_factor_a_code_proves_nothing(
    services: AccountServices, principal: Principal, code: str | None
) -> None:
    with pytest.raises(InvalidField if code is None else Conflict):
        step_up(services, principal, code=code)
    assert verified_at(services, principal) == NOW


def raised_at_last(guess: Callable[[], None]) -> BaseException:
    """Guess ten times, and return the last error."""
    for _ in range(10):
        with pytest.raises((BadSecondFactor, TooManyAttempts)) as refused:
            guess()
    return refused.value


def test_codes_cannot_be_guessed_at_speed(services: AccountServices, principal: Principal, app: pyotp.TOTP) -> None:
    def guess() -> None:
        step_up(services, principal, code=app.at(int(LATER) + 3000))

    assert isinstance(raised_at_last(guess), TooManyAttempts)


def test_a_right_password_does_not_reset_the_count_of_wrong_codes(
    services: AccountServices, principal: Principal, app: pyotp.TOTP
) -> None:
    def guess() -> None:
        step_up(services, principal, password=PASSWORD)
        step_up(services, principal, code=app.at(int(LATER) + 3000))

    assert isinstance(raised_at_last(guess), TooManyAttempts)


def test_an_ended_session_cannot_step_up(services: AccountServices, principal: Principal) -> None:
    services.accounts.sessions.end(principal.user_id, principal.session_id, reason="", address="", now=NOW)
    with pytest.raises(BadToken):
        step_up(services, principal, password=PASSWORD)
