"""A second factor: asked for when it is set up, each code good once, its secret of no use to who has the database."""

from collections.abc import Callable
from pathlib import Path

import pyotp
import pytest
from sqlalchemy import select

from cloudchat.admin.actor import COMMAND_LINE
from cloudchat.auth.errors import (
    BadCredentials,
    BadSecondFactor,
    BadToken,
    Conflict,
    SecondFactorRequired,
)
from cloudchat.auth.results import SignIn
from cloudchat.auth.second_factor.recovery_codes import new_recovery_code
from cloudchat.auth.vault import VaultError, open_vault
from cloudchat.database.models import RecoveryCode, User
from cloudchat.rate_limiting.login_slowdown import TooManyAttempts
from support.account_services import NOW, PASSWORD, AccountServices, at_once
from support.databases import on_both

LATER = NOW + 300
Code = Callable[[float], str]


def begin(services: AccountServices, signed_in: SignIn) -> Code:
    """An app that was given the secret."""
    principal = services.authenticate(signed_in.access_token)
    app = pyotp.TOTP(services.accounts.begin_second_factor(principal, PASSWORD, address="test", now=NOW))
    return lambda now: app.at(int(now))


def set_up(services: AccountServices) -> tuple[Code, list[str]]:
    """ann with a second factor: what her app shows, and her recovery codes."""
    services.register()
    signed_in = services.login()
    code = begin(services, signed_in)
    principal = services.authenticate(signed_in.access_token)
    return code, services.accounts.second_factor.confirm(principal, code(NOW), address="test", now=NOW)


def login(services: AccountServices, totp: str | None, *, now: float = LATER, address: str = "test") -> SignIn:
    return services.accounts.login("ann", PASSWORD, totp, client="test", address=address, now=now)


def test_a_login_needs_the_password_and_a_code(services: AccountServices) -> None:
    code, _ = set_up(services)
    for nothing in (None, "", " "):
        with pytest.raises(SecondFactorRequired):
            login(services, nothing)
    with pytest.raises(BadCredentials):
        services.accounts.login("ann", "wrong", code(LATER), client="test", address="test", now=LATER)
    signed_in = login(services, code(LATER))
    assert signed_in.user.totp_enabled


def test_until_it_is_confirmed_nothing_is_asked(services: AccountServices) -> None:
    services.register()
    signed_in = services.login()
    begin(services, signed_in)
    assert not services.login().user.totp_enabled
    with pytest.raises(BadSecondFactor):
        services.accounts.second_factor.confirm(
            services.authenticate(signed_in.access_token), "000000", address="test", now=NOW
        )
    assert services.login()


class TestACodeCountsOnce:
    def test_it_is_no_good_a_second_time_nor_is_an_older_one(self, services: AccountServices) -> None:
        code, _ = set_up(services)
        login(services, code(LATER))
        for seen in (code(LATER), code(LATER - 30)):
            with pytest.raises(BadSecondFactor):
                login(services, seen)
        assert login(services, code(LATER + 30))

    def test_the_one_that_confirmed_the_setup_is_used_up(self, services: AccountServices) -> None:
        code, _ = set_up(services)
        with pytest.raises(BadSecondFactor):
            login(services, code(NOW), now=NOW)

    @on_both
    def test_of_many_who_come_with_one_code_one_gets_in(self, services: AccountServices) -> None:
        services = services.with_settings(login_failures_per_client="100/minute")
        code, _ = set_up(services)
        answers = at_once(5, lambda: login(services, code(LATER)))
        assert sum(isinstance(answer, SignIn) for answer in answers) == 1
        assert sum(isinstance(answer, BadSecondFactor) for answer in answers) == 4

    @on_both
    def test_of_many_who_come_with_one_recovery_code_one_gets_in(self, services: AccountServices) -> None:
        services = services.with_settings(login_failures_per_client="100/minute")
        _, codes = set_up(services)
        answers = at_once(5, lambda: login(services, codes[0]))
        assert sum(isinstance(answer, SignIn) for answer in answers) == 1

    @pytest.mark.parametrize("seconds", [-61, 61, 3600])
    def test_one_of_another_time_is_none(self, services: AccountServices, seconds: int) -> None:
        code, _ = set_up(services)
        with pytest.raises(BadSecondFactor):
            login(services, code(LATER + seconds))

    @pytest.mark.parametrize("code", ["12345", "1234567", "abcdef", "١٢٣٤٥٦", "\ud800", "-" * 64, "0x1234"])
    def test_what_is_no_code_is_refused(self, services: AccountServices, code: str) -> None:
        set_up(services)
        with pytest.raises(BadSecondFactor):
            login(services, code)

    def test_a_code_may_be_typed_with_the_space_that_apps_show(self, services: AccountServices) -> None:
        code, _ = set_up(services)
        assert login(services, f"{code(LATER)[:3]} {code(LATER)[3:]}")


class TestRecoveryCodes:
    def test_each_opens_once_however_it_is_typed(self, services: AccountServices) -> None:
        _, codes = set_up(services)
        assert len(set(codes)) == 10
        assert login(services, codes[0])
        with pytest.raises(BadSecondFactor):
            login(services, codes[0])
        assert login(services, codes[1].upper().replace("-", " "))

    def test_another_users_is_none(self, services: AccountServices) -> None:
        _, codes = set_up(services)
        services.register("bob")
        assert services.login("bob")
        with services.db.write() as db:
            bob = db.scalar(select(User.id).where(User.name == "bob"))
            for row in db.scalars(select(RecoveryCode)):
                row.user_id = bob  # as if they had been bob's
        with pytest.raises(BadSecondFactor):
            login(services, codes[0])

    def test_they_have_more_than_112_bits(self) -> None:
        assert len(new_recovery_code().replace("-", "")) * 5 >= 112  # 32 letters: 5 bits each

    def test_only_their_hashes_are_stored(self, services: AccountServices, tmp_path: Path) -> None:
        _, codes = set_up(services)
        services.db.close()
        stored = b"".join(path.read_bytes() for path in tmp_path.glob("cloudchat.db*"))
        assert not [code for code in codes if code.encode() in stored or code.replace("-", "").encode() in stored]


class TestTheSecret:
    def test_it_is_in_no_database_and_no_log(
        self, services: AccountServices, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG")
        services.register()
        principal = services.authenticate(services.login().access_token)
        secret = services.accounts.begin_second_factor(principal, PASSWORD, address="test", now=NOW)
        services.db.close()
        assert secret.encode() not in b"".join(path.read_bytes() for path in tmp_path.glob("cloudchat.db*"))
        assert secret not in caplog.text

    def test_it_opens_for_its_own_user_and_by_its_own_key_only(self, tmp_path: Path) -> None:
        vault = open_vault(tmp_path / "keys")
        locked = vault.lock("secret", purpose="ann")
        assert open_vault(tmp_path / "keys").unlock(locked, purpose="ann") == "secret"
        for opened, purpose, text in (
            (vault, "bob", locked),
            (open_vault(tmp_path / "other"), "ann", locked),
            (vault, "ann", locked[:-8] + "AAAAAAA="),
            (vault, "ann", "é"),
            (vault, "ann", ""),
        ):
            with pytest.raises(VaultError):
                opened.unlock(text, purpose=purpose)

    def test_with_the_key_lost_recovery_codes_still_open(self, tmp_path: Path) -> None:
        services = AccountServices.make(tmp_path)
        code, codes = set_up(services)
        (tmp_path / "keys" / "vault.key").unlink()
        again = AccountServices.make(tmp_path)
        with pytest.raises(BadSecondFactor):
            login(again, code(LATER))
        assert login(again, codes[0])


class TestChanges:
    def test_the_password_is_asked_for_once_more(self, services: AccountServices) -> None:
        services.register()
        principal = services.authenticate(services.login().access_token)
        with pytest.raises(BadCredentials):
            services.accounts.begin_second_factor(principal, "wrong", address="test", now=NOW)

    def test_who_signed_in_with_the_password_alone_is_out(self, services: AccountServices) -> None:
        services.register()
        here, thief = services.login(), services.login()
        code = begin(services, here)
        principal = services.authenticate(here.access_token)
        services.accounts.second_factor.confirm(principal, code(NOW), address="test", now=NOW)
        assert services.authenticate(here.access_token)
        with pytest.raises(BadToken):
            services.authenticate(thief.access_token)

    def test_it_can_not_be_replaced_or_confirmed_again_while_it_is_on(self, services: AccountServices) -> None:
        code, _ = set_up(services)
        principal = services.authenticate(login(services, code(LATER)).access_token, now=LATER)
        with pytest.raises(Conflict):
            services.accounts.begin_second_factor(principal, PASSWORD, address="test", now=LATER)
        with pytest.raises(Conflict):
            services.accounts.second_factor.confirm(principal, code(LATER + 30), address="test", now=LATER)

    def test_disabling_it_takes_both_factors(self, services: AccountServices) -> None:
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
            assert db.scalars(select(RecoveryCode)).all() == []
        with pytest.raises(Conflict):
            disable(PASSWORD, codes[0])

    def test_an_administrator_takes_away_a_lost_one(self, services: AccountServices) -> None:
        set_up(services)
        services.admin.users.reset_second_factor(services.admin.users.find("ann"), actor=COMMAND_LINE, now=LATER)
        assert services.login(now=LATER)


def test_guessing_codes_is_slowed_down_also_from_many_places(services: AccountServices) -> None:
    set_up(services)
    for number in range(10):
        with pytest.raises(BadSecondFactor):
            login(services, "000000", address=f"192.0.2.{number}")
    with pytest.raises(TooManyAttempts):
        login(services, "000000", address="192.0.2.99")


def test_guessing_codes_at_the_second_factors_end_is_slowed_down_too(
    services: AccountServices, caplog: pytest.LogCaptureFixture
) -> None:
    """By who has the password and a token, from the owner's own network; a right password makes up for no code."""
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


def test_while_somebody_guesses_the_owner_gets_in_from_where_they_always_do(services: AccountServices) -> None:
    code, _ = set_up(services)
    for number in range(10):
        with pytest.raises(BadSecondFactor):
            login(services, "000000", address=f"192.0.2.{number}")
    assert login(services, code(LATER), address="test")


class TestAdministrators:
    @pytest.fixture
    def services(self, tmp_path: Path) -> AccountServices:
        services = AccountServices.make(tmp_path, require_admin_2fa=True)
        services.admin.users.create("ann", PASSWORD, "admin", actor=COMMAND_LINE, now=NOW)
        return services

    def test_without_one_they_may_chat_and_not_administer(self, services: AccountServices) -> None:
        signed_in = services.login()
        assert signed_in.user.must_set_up_totp
        assert services.authenticate(signed_in.access_token).scopes == {"chat:read", "chat:write"}

    def test_with_one_they_may(self, services: AccountServices) -> None:
        signed_in = services.login()
        code = begin(services, signed_in)
        principal = services.authenticate(signed_in.access_token)
        services.accounts.second_factor.confirm(principal, code(NOW), address="test", now=NOW)
        assert "admin" in services.authenticate(signed_in.access_token).scopes
        assert not services.accounts.profile(principal.user_id).must_set_up_totp

    def test_members_need_none(self, services: AccountServices) -> None:
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
    def test_it_is_demanded_and_registration_is_not_open_where_strangers_can_come(
        self, host: str, origin: str, needed: bool
    ) -> None:
        from cloudchat.settings import Settings

        settings = Settings(host=host, allowed_origins=origin)
        assert settings.admins_need_second_factor is needed
        assert (settings.registration_mode == "open") is not needed
