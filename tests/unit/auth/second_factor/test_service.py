"""The second factor: required once it is set up, each code accepted once, the secret encrypted in the database."""

from collections.abc import Callable
from pathlib import Path

import pyotp
import pytest
from sqlalchemy import select, update

from cloudchat.admin.actor import COMMAND_LINE
from cloudchat.auth.errors import (
    BadCredentials,
    BadSecondFactor,
    BadToken,
    Conflict,
    SecondFactorRequired,
)
from cloudchat.auth.results import SessionTokens
from cloudchat.auth.second_factor.recovery_codes import new_recovery_codes
from cloudchat.database.tables.accounts import recovery_codes, users
from cloudchat.rate_limiting.login_slowdown import TooManyAttempts
from cloudchat.settings import Settings
from support.account_services import NOW, PASSWORD, AccountServices, concurrently
from support.databases import on_both

LATER = NOW + 300
Code = Callable[[float], str]


def begin(services: AccountServices, signed_in: SessionTokens) -> Code:
    """Begin the set-up, and return the app's function from a time to a code."""
    principal = services.authenticate(signed_in.access_token)
    app = pyotp.TOTP(services.accounts.begin_second_factor(principal, PASSWORD, address="test", now=NOW))
    return lambda now: app.at(int(now))


def set_up(services: AccountServices) -> tuple[Code, list[str]]:
    """Register ann with a second factor. Return the codes of her app by time, and her recovery codes."""
    services.register()
    signed_in = services.login()
    code = begin(services, signed_in)
    principal = services.authenticate(signed_in.access_token)
    return code, services.accounts.second_factor.confirm(principal, code(NOW), address="test", now=NOW)


def login(services: AccountServices, totp: str | None, *, now: float = LATER, address: str = "test") -> SessionTokens:
    return services.accounts.login("ann", PASSWORD, totp, client="test", address=address, now=now)


@pytest.mark.parametrize(
    "typed",
    [
        lambda code: f" {code[:3]} {code[3:]}\n",
        lambda code: f"{code[:3]}\u00a0{code[3:]}",
        lambda code: f"{code[:3]}\u202f{code[3:]}\u200b",
        lambda code: f"{code[:3]}-{code[3:]}",
        lambda code: f"{code[:3]}\u2011{code[3:]}",
        lambda code: code.translate({ord("0") + digit: 0xFF10 + digit for digit in range(10)}),  # full-width
        lambda code: code.translate({ord("0") + digit: 0x0660 + digit for digit in range(10)}),  # Arabic-Indic
        lambda code: code.translate({ord("0") + digit: 0x0966 + digit for digit in range(10)}),  # Devanagari
    ],
)
def test_a_code_can_be_typed_in_every_form(services: AccountServices, typed: Callable[[str], str]) -> None:
    services.register()
    signed_in = services.login()
    code = begin(services, signed_in)
    principal = services.authenticate(signed_in.access_token)
    assert services.accounts.second_factor.confirm(principal, typed(code(NOW)), address="test", now=NOW)
    assert login(services, typed(code(LATER)))


def test_a_recovery_code_can_be_typed_in_every_form(services: AccountServices) -> None:
    _, recovery_codes = set_up(services)
    assert login(services, f"\u00a0{recovery_codes[0].upper()} ")
    assert login(services, recovery_codes[1].replace("-", "\u2013"))
    assert login(services, "\u200b".join(recovery_codes[2].replace("-", " ")))
    wide = {ord(character): ord(character) + 0xFEE0 for character in recovery_codes[3] if character != "-"}
    assert login(services, recovery_codes[3].translate(wide))


def test_login_needs_the_password_and_a_code(services: AccountServices) -> None:
    code, _ = set_up(services)
    for missing in (None, "", " "):
        with pytest.raises(SecondFactorRequired):
            login(services, missing)
    with pytest.raises(BadCredentials):
        services.accounts.login("ann", "wrong", code(LATER), client="test", address="test", now=LATER)
    signed_in = login(services, code(LATER))
    assert signed_in.user.totp_enabled


def test_login_needs_no_code_before_the_setup_is_confirmed(services: AccountServices) -> None:
    services.register()
    signed_in = services.login()
    begin(services, signed_in)
    assert not services.login().user.totp_enabled
    with pytest.raises(BadSecondFactor):
        services.accounts.second_factor.confirm(
            services.authenticate(signed_in.access_token), "000000", address="test", now=NOW
        )
    assert services.login()


class TestTotpCodes:
    def test_used_code_and_older_codes_are_rejected(self, services: AccountServices) -> None:
        code, _ = set_up(services)
        login(services, code(LATER))
        for used in (code(LATER), code(LATER - 30)):
            with pytest.raises(BadSecondFactor):
                login(services, used)
        assert login(services, code(LATER + 30))

    def test_code_that_confirmed_the_setup_is_rejected(self, services: AccountServices) -> None:
        code, _ = set_up(services)
        with pytest.raises(BadSecondFactor):
            login(services, code(NOW), now=NOW)

    @on_both
    def test_one_of_several_concurrent_logins_with_one_code_succeeds(self, services: AccountServices) -> None:
        services = services.with_settings(login_failures_per_client="100/minute")
        code, _ = set_up(services)
        results = concurrently(5, lambda: login(services, code(LATER)))
        assert sum(isinstance(result, SessionTokens) for result in results) == 1
        assert sum(isinstance(result, BadSecondFactor) for result in results) == 4

    @on_both
    def test_one_of_several_concurrent_logins_with_one_recovery_code_succeeds(self, services: AccountServices) -> None:
        services = services.with_settings(login_failures_per_client="100/minute")
        _, codes = set_up(services)
        results = concurrently(5, lambda: login(services, codes[0]))
        assert sum(isinstance(result, SessionTokens) for result in results) == 1

    @pytest.mark.parametrize("seconds", [-61, 61, 3600])
    def test_code_of_another_time_is_rejected(self, services: AccountServices, seconds: int) -> None:
        code, _ = set_up(services)
        with pytest.raises(BadSecondFactor):
            login(services, code(LATER + seconds))

    @pytest.mark.parametrize("code", ["12345", "1234567", "abcdef", "١٢٣٤٥٦", "\ud800", "-" * 64, "0x1234"])
    def test_malformed_code_is_rejected(self, services: AccountServices, code: str) -> None:
        set_up(services)
        with pytest.raises(BadSecondFactor):
            login(services, code)

    def test_code_with_a_space_is_accepted(self, services: AccountServices) -> None:
        code, _ = set_up(services)
        assert login(services, f"{code(LATER)[:3]} {code(LATER)[3:]}")


class TestRecoveryCodes:
    def test_recovery_code_works_once_in_any_case_and_grouping(self, services: AccountServices) -> None:
        _, codes = set_up(services)
        assert len(set(codes)) == 10
        assert login(services, codes[0])
        with pytest.raises(BadSecondFactor):
            login(services, codes[0])
        assert login(services, codes[1].upper().replace("-", " "))

    def test_recovery_code_of_another_user_is_rejected(self, services: AccountServices) -> None:
        _, codes = set_up(services)
        services.register("bob")
        assert services.login("bob")
        with services.db.write() as db:
            bob = db.scalars(select(users.c.id).where(users.c.name == "bob")).one()
            db.execute(update(recovery_codes).values(user_id=bob))
        with pytest.raises(BadSecondFactor):
            login(services, codes[0])

    def test_recovery_codes_have_at_least_112_bits(self) -> None:
        assert all(len(code.replace("-", "")) * 5 >= 112 for code in new_recovery_codes())  # 32 characters: 5 bits each

    def test_only_the_hashes_of_recovery_codes_are_stored(self, services: AccountServices, tmp_path: Path) -> None:
        _, codes = set_up(services)
        services.db.close()
        stored = b"".join(path.read_bytes() for path in tmp_path.glob("cloudchat.db*"))
        assert not [code for code in codes if code.encode() in stored or code.replace("-", "").encode() in stored]


class TestTheSecret:
    def test_secret_is_neither_stored_in_plaintext_nor_logged(
        self, services: AccountServices, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG")
        services.register()
        principal = services.authenticate(services.login().access_token)
        secret = services.accounts.begin_second_factor(principal, PASSWORD, address="test", now=NOW)
        services.db.close()
        assert secret.encode() not in b"".join(path.read_bytes() for path in tmp_path.glob("cloudchat.db*"))
        assert secret not in caplog.text

    def test_recovery_codes_work_after_the_loss_of_the_key(self, tmp_path: Path) -> None:
        services = AccountServices.make(tmp_path)
        code, codes = set_up(services)
        (tmp_path / "keys" / "vault.key").unlink()
        restarted = AccountServices.make(tmp_path)
        with pytest.raises(BadSecondFactor):
            login(restarted, code(LATER))
        assert login(restarted, codes[0])


class TestSetUpAndRemoval:
    def test_setup_needs_the_password(self, services: AccountServices) -> None:
        services.register()
        principal = services.authenticate(services.login().access_token)
        with pytest.raises(BadCredentials):
            services.accounts.begin_second_factor(principal, "wrong", address="test", now=NOW)

    def test_confirmation_ends_the_other_sessions(self, services: AccountServices) -> None:
        services.register()
        own, thief = services.login(), services.login()
        code = begin(services, own)
        principal = services.authenticate(own.access_token)
        services.accounts.second_factor.confirm(principal, code(NOW), address="test", now=NOW)
        assert services.authenticate(own.access_token)
        with pytest.raises(BadToken):
            services.authenticate(thief.access_token)

    def test_enabled_second_factor_cannot_be_replaced_or_confirmed_again(self, services: AccountServices) -> None:
        code, _ = set_up(services)
        principal = services.authenticate(login(services, code(LATER)).access_token, now=LATER)
        with pytest.raises(Conflict):
            services.accounts.begin_second_factor(principal, PASSWORD, address="test", now=LATER)
        with pytest.raises(Conflict):
            services.accounts.second_factor.confirm(principal, code(LATER + 30), address="test", now=LATER)

    def test_disabling_needs_both_factors(self, services: AccountServices) -> None:
        code, codes = set_up(services)
        principal = services.authenticate(login(services, code(LATER)).access_token, now=LATER)

        def disable(password: str, totp: str) -> None:
            services.accounts.disable_second_factor(principal, password, totp, address="test", now=LATER)

        with pytest.raises(BadCredentials):
            disable("wrong", code(LATER + 30))
        with pytest.raises(BadSecondFactor):
            disable(PASSWORD, code(LATER))
        disable(PASSWORD, code(LATER + 30))
        assert services.login(now=LATER)
        with services.db.read() as db:
            assert db.execute(select(recovery_codes)).all() == []
        with pytest.raises(Conflict):
            disable(PASSWORD, codes[0])

    def test_administrator_can_remove_a_lost_second_factor(self, services: AccountServices) -> None:
        set_up(services)
        services.admin.users.reset_second_factor(services.admin.users.find("ann"), actor=COMMAND_LINE, now=LATER)
        assert services.login(now=LATER)


def test_wrong_codes_from_many_networks_are_rate_limited(services: AccountServices) -> None:
    set_up(services)
    for number in range(10):
        with pytest.raises(BadSecondFactor):
            login(services, "000000", address=f"192.0.2.{number}")
    with pytest.raises(TooManyAttempts):
        login(services, "000000", address="192.0.2.99")


def test_wrong_codes_are_rate_limited_when_disabling(
    services: AccountServices, caplog: pytest.LogCaptureFixture
) -> None:
    """The attacker has the password and a token, in the owner's network. A right password must not reset the count."""
    code, _ = set_up(services)
    principal = services.authenticate(login(services, code(LATER)).access_token, now=LATER)

    def disable(totp: str) -> None:
        services.accounts.disable_second_factor(principal, PASSWORD, totp, address="test", now=LATER)

    for _ in range(4):
        with pytest.raises(BadSecondFactor):
            disable("000000")
    assert caplog.text.count("second factor refused") == 4
    with pytest.raises(Conflict):
        services.accounts.begin_second_factor(principal, PASSWORD, address="test", now=LATER)
    with pytest.raises(TooManyAttempts):
        disable(code(LATER + 30))


def test_owner_can_log_in_from_a_known_network_during_an_attack(services: AccountServices) -> None:
    code, _ = set_up(services)
    for number in range(10):
        with pytest.raises(BadSecondFactor):
            login(services, "000000", address=f"192.0.2.{number}")
    assert login(services, code(LATER), address="test")


class TestRequiredForAdministrators:
    @pytest.fixture
    def services(self, tmp_path: Path) -> AccountServices:
        services = AccountServices.make(tmp_path, require_admin_2fa=True)
        services.admin.users.create("ann", PASSWORD, "admin", actor=COMMAND_LINE, now=NOW)
        return services

    def test_administrator_without_a_second_factor_lacks_the_scope_admin(self, services: AccountServices) -> None:
        signed_in = services.login()
        assert signed_in.user.must_set_up_totp
        assert services.authenticate(signed_in.access_token).scopes == {"chat:read", "chat:write"}

    def test_administrator_with_a_second_factor_has_the_scope_admin(self, services: AccountServices) -> None:
        signed_in = services.login()
        code = begin(services, signed_in)
        principal = services.authenticate(signed_in.access_token)
        services.accounts.second_factor.confirm(principal, code(NOW), address="test", now=NOW)
        assert "admin" in services.authenticate(signed_in.access_token).scopes
        assert not services.accounts.profile(principal.user_id).must_set_up_totp

    def test_member_needs_no_second_factor(self, services: AccountServices) -> None:
        services.register("bob")
        assert not services.login("bob").user.must_set_up_totp

    @pytest.mark.parametrize(
        ("host", "origin", "needed"),
        [
            ("127.0.0.1", "", False),
            ("127.0.0.1", "http://localhost:8000,http://[::1]:8000", False),
            ("127.0.0.1", "http://localhost:8000,https://chat.example", True),  # behind a proxy
            ("0.0.0.0", "", True),
            ("chat.example", "", True),
        ],
    )
    def test_public_server_requires_a_second_factor_and_does_not_open_registration_by_default(
        self, host: str, origin: str, needed: bool
    ) -> None:
        settings = Settings(host=host, allowed_origins=origin)
        assert settings.admins_need_second_factor is needed
        assert (settings.registration_mode == "open") is not needed
