"""Password guessing is slowed down, and it cannot lock the owner of an account out."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from cloudchat.auth.errors import BadCredentials
from cloudchat.auth.results import SessionTokens
from cloudchat.rate_limiting.login_slowdown import TooManyAttempts
from cloudchat.rate_limiting.shared_window import SharedWindow
from cloudchat.settings import Settings
from support.account_services import NOW, PASSWORD, AccountServices, concurrently

ATTACKER = "192.0.2.1"
OWNER = "198.51.100.7"


@pytest.fixture
def services(tmp_path: Path) -> Iterator[AccountServices]:
    made = AccountServices.make(tmp_path, login_failures_per_client="3/hour", login_failures_per_account="7/hour")
    made.register()
    yield made
    made.db.close()


def login(
    services: AccountServices, password: str = "wrong", *, name: str = "ann", address: str = ATTACKER
) -> SessionTokens:
    return services.accounts.login(name, password, client="", address=address, now=NOW)


def guess(services: AccountServices, times: int, *, name: str = "ann", address: str = ATTACKER) -> None:
    for _ in range(times):
        with pytest.raises(BadCredentials):
            login(services, name=name, address=address)


def test_after_three_failures_every_password_is_rejected_for_a_time(services: AccountServices) -> None:
    guess(services, 3)
    for password in ("wrong", PASSWORD):
        with pytest.raises(TooManyAttempts) as rejected:
            login(services, password)
        assert 1000 <= (rejected.value.retry_after_ms or 0) <= 3_600_000


def test_the_owner_on_another_network_does_not_wait(services: AccountServices) -> None:
    guess(services, 3)
    assert login(services, PASSWORD, address=OWNER)


def test_a_success_clears_the_failures_of_that_client_only(services: AccountServices) -> None:
    guess(services, 2, address=OWNER)
    guess(services, 2)
    login(services, PASSWORD, address=OWNER)
    guess(services, 2, address=OWNER)
    guess(services, 1)
    with pytest.raises(TooManyAttempts):
        login(services)


def test_guesses_from_many_networks_do_not_block_a_network_that_the_owner_has_used(
    services: AccountServices,
) -> None:
    login(services, PASSWORD, address=OWNER)
    for number in range(7):
        guess(services, 1, address=f"192.0.2.{number}")
    with pytest.raises(TooManyAttempts):
        login(services, address="192.0.2.200")
    assert login(services, PASSWORD, address=OWNER)


def test_one_account_does_not_slow_down_another(services: AccountServices) -> None:
    services.register("bob")
    guess(services, 3)
    guess(services, 1, name="bob")


def test_an_account_that_does_not_exist_is_slowed_down_like_others(services: AccountServices) -> None:
    guess(services, 3, name="nobody")
    with pytest.raises(TooManyAttempts):
        login(services, name="NOBODY")


def test_the_addresses_of_an_ipv6_subscriber_are_one_client(services: AccountServices) -> None:
    for number in range(3):
        guess(services, 1, address=f"2001:db8::{number}")
    with pytest.raises(TooManyAttempts):
        login(services, address="2001:db8::ffff")


def test_simultaneous_guesses_are_all_counted(services: AccountServices) -> None:
    results = concurrently(10, lambda: login(services))
    assert sum(isinstance(result, BadCredentials) for result in results) == 3
    assert sum(isinstance(result, TooManyAttempts) for result in results) == 7


def test_guesses_at_the_password_change_with_a_stolen_token_are_slowed_down(
    services: AccountServices,
) -> None:
    principal = services.authenticate(login(services, PASSWORD).access_token)
    for _ in range(3):
        with pytest.raises(BadCredentials):
            services.accounts.change_password(principal, "wrong", "seven slow rivers bend", address=ATTACKER, now=NOW)
    with pytest.raises(TooManyAttempts):
        services.accounts.change_password(principal, PASSWORD, "seven slow rivers bend", address=ATTACKER, now=NOW)


def test_the_log_line_does_not_contain_the_name_that_was_typed(
    services: AccountServices, caplog: pytest.LogCaptureFixture
) -> None:
    guess(services, 3, name="my-password-in-the-wrong-field")
    with pytest.raises(TooManyAttempts):
        login(services, name="my-password-in-the-wrong-field")
    assert f"login slowed down address={ATTACKER}" in caplog.text
    assert "my-password" not in caplog.text


def test_too_many_attempts_is_429_with_the_wait_in_whole_seconds() -> None:
    response = TooManyAttempts(41.2).to_http()
    assert (response.status, response.code, response.retry_after_ms) == (429, "rate_limited", 42_000)


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "unix:///nowhere/store.sock"])
def test_this_process_counts_without_the_store(url: str) -> None:
    window = SharedWindow(url)
    assert [window.count("3/hour", "ann") > 0 for _ in range(5)] == [False, False, False, True, True]
    assert window.seconds_to_wait("3/hour", "ann") > 0
    assert window.seconds_to_wait("3/hour", "bob") == 0
    window.clear("3/hour", "ann")
    assert window.seconds_to_wait("3/hour", "ann") == 0


def test_the_wait_grows_with_the_number_of_failures() -> None:
    window = SharedWindow(None)
    waits = [window.count("2/minute;4/hour", "ann") for _ in range(6)]
    assert waits[:2] == [0, 0]
    assert 0 < waits[2] <= 60
    assert waits[5] > 60


@pytest.mark.parametrize("rates", ["", "5", "5/minute;0/hour", "0/minute", "5/minute;many", "5/fortnight"])
def test_invalid_rates_are_rejected_at_the_start(rates: str) -> None:
    with pytest.raises(ValidationError):
        Settings(login_failures_per_client=rates, redis_url=SecretStr("redis://x"))
