"""Registration, login, password changes, and which tokens authenticate."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloudchat.admin.actor import COMMAND_LINE
from cloudchat.auth.errors import (
    AccountDisabled,
    BadCredentials,
    BadToken,
    InvalidField,
    NameTaken,
    RegistrationRefused,
)
from cloudchat.auth.results import SessionTokens
from support.account_services import NOW, PASSWORD, AccountServices, concurrently
from support.databases import on_both

NEW_PASSWORD = "seven slow rivers bend"


def test_login_ignores_the_case_of_the_username(services: AccountServices) -> None:
    user_id = services.register("Ann")
    signed_in = services.login("ANN")
    assert (signed_in.user.id, signed_in.user.name, signed_in.user.role) == (user_id, "Ann", "member")
    principal = services.authenticate(signed_in.access_token)
    assert principal.user_id == user_id
    assert principal.scopes == {"chat:read", "chat:write"}
    assert principal.kind == "access"
    assert principal.session_id == signed_in.session_id


@pytest.mark.parametrize("name", ["ann", "bob", "\ud800", "x" * 100_000])
def test_login_raises_the_same_error_for_unknown_user_and_wrong_password(services: AccountServices, name: str) -> None:
    services.register("ann")
    with pytest.raises(BadCredentials, match=r"^unknown username or wrong password$"):
        services.login(name, "not the right password")


@pytest.mark.parametrize("typed", [" ann", "ann\u00a0", "\u200bann\ufeff", "ann\n"])
def test_blank_characters_around_a_username_do_not_matter(services: AccountServices, typed: str) -> None:
    user_id = services.register(typed)
    assert services.accounts.profile(user_id).name == "ann"
    assert services.login(typed).user.id == services.login("ann").user.id == user_id


def test_blank_characters_in_a_password_matter(services: AccountServices) -> None:
    services.register()
    with pytest.raises(BadCredentials):
        services.login(password=f"{PASSWORD} ")


@pytest.mark.parametrize(("existing", "look_alike"), [("ace", "асе"), ("anna1", "annaI"), ("paypal", "paypaI")])
def test_registration_of_a_name_that_looks_like_an_existing_one_is_refused(
    services: AccountServices, existing: str, look_alike: str
) -> None:
    services.register(existing)
    with pytest.raises(NameTaken, match="looks like"):
        services.register(look_alike)
    with pytest.raises(NameTaken, match="looks like"):
        services.admin.users.create(look_alike, PASSWORD, "member", actor=COMMAND_LINE, now=NOW)


@on_both
def test_one_of_several_concurrent_registrations_of_names_that_look_alike_succeeds(services: AccountServices) -> None:
    names = iter(["paypal", "paypaI", "PayPa1"])
    results = concurrently(3, lambda: services.register(next(names)))
    assert sum(isinstance(result, str) for result in results) == 1
    assert sum(isinstance(result, NameTaken) for result in results) == 2


@on_both
def test_one_of_several_concurrent_registrations_gets_the_name(services: AccountServices) -> None:
    results = concurrently(6, lambda: services.register("ann"))
    assert sum(isinstance(result, str) for result in results) == 1
    assert sum(isinstance(result, NameTaken) for result in results) == 5


def test_closed_registration_refuses_an_invite(tmp_path: Path) -> None:
    services = AccountServices.make(tmp_path, registration="closed")
    invite = services.admin.invites.create(3600, actor=COMMAND_LINE, now=NOW).invite
    with pytest.raises(RegistrationRefused):
        services.register(invite=invite)


class TestInvites:
    @pytest.fixture
    def services(self, services: AccountServices) -> AccountServices:
        return services.with_settings(registration="invite")

    @on_both
    def test_invite_can_be_used_once(self, services: AccountServices) -> None:
        invite = services.admin.invites.create(3600, actor=COMMAND_LINE, now=NOW).invite
        services.register("ann", invite=invite)
        with pytest.raises(RegistrationRefused):
            services.register("bob", invite=invite)

    @pytest.mark.parametrize(
        "paste",
        [
            lambda invite: f" {invite}\n",
            lambda invite: f"\u00a0{invite[:20]}\r\n{invite[20:]}\u200b",
            lambda invite: invite.replace("-", "\u2011"),
        ],
    )
    def test_what_copying_adds_to_an_invite_does_not_matter(
        self, services: AccountServices, paste: Callable[[str], str]
    ) -> None:
        invite = services.admin.invites.create(3600, actor=COMMAND_LINE, now=NOW).invite
        assert services.register(invite=paste(invite))

    @pytest.mark.parametrize("invite", [None, "", "guess", "A" * 43])
    def test_registration_without_a_valid_invite_is_refused(
        self, services: AccountServices, invite: str | None
    ) -> None:
        with pytest.raises(RegistrationRefused):
            services.register(invite=invite)

    def test_expired_invite_is_refused(self, services: AccountServices) -> None:
        invite = services.admin.invites.create(3600, actor=COMMAND_LINE, now=NOW).invite
        with pytest.raises(RegistrationRefused):
            services.register(invite=invite, now=NOW + 3600)

    def test_failed_registration_does_not_use_the_invite(self, services: AccountServices) -> None:
        invite = services.admin.invites.create(3600, actor=COMMAND_LINE, now=NOW).invite
        with pytest.raises(InvalidField):
            services.accounts.register("ann", "short", invite=invite, address="test", now=NOW)
        services.register("ann", invite=invite)

    @on_both
    def test_one_of_several_concurrent_uses_succeeds(self, services: AccountServices) -> None:
        invite = services.admin.invites.create(3600, actor=COMMAND_LINE, now=NOW).invite
        names = iter(["ann", "bob", "cid", "dan", "eve"])
        results = concurrently(5, lambda: services.register(next(names), invite=invite))
        assert sum(isinstance(result, str) for result in results) == 1
        assert sum(isinstance(result, RegistrationRefused) for result in results) == 4


@on_both
class TestDisabledAccount:
    def test_all_tokens_fail_and_the_reason_is_shown_only_with_the_right_password(
        self, services: AccountServices
    ) -> None:
        services.register()
        signed_in = services.login()
        api = services.admin.tokens.issue("ann", {"chat:read"}, 3600, label="", actor=COMMAND_LINE, now=NOW).token
        services.admin.users.change(services.admin.users.find("ann"), disabled=True, actor=COMMAND_LINE, now=NOW)
        for token in (signed_in.access_token, api):
            with pytest.raises(AccountDisabled):
                services.authenticate(token)
        with pytest.raises(AccountDisabled):
            services.refresh(signed_in.refresh_token)
        with pytest.raises(AccountDisabled):
            services.login()
        with pytest.raises(BadCredentials):
            services.login(password="not the right password")

    def test_sessions_stay_ended_after_the_account_is_enabled_again(self, services: AccountServices) -> None:
        services.register()
        signed_in = services.login()
        services.admin.users.change(services.admin.users.find("ann"), disabled=True, actor=COMMAND_LINE, now=NOW)
        services.admin.users.change(services.admin.users.find("ann"), disabled=False, actor=COMMAND_LINE, now=NOW)
        with pytest.raises(BadToken):
            services.authenticate(signed_in.access_token)
        assert services.authenticate(services.login().access_token)


class TestPasswordChange:
    @on_both
    def test_change_replaces_the_password_and_ends_the_other_sessions(self, services: AccountServices) -> None:
        services.register()
        here, elsewhere = services.login(), services.login()
        principal = services.authenticate(here.access_token)
        services.accounts.change_password(principal, PASSWORD, NEW_PASSWORD, address="test", now=NOW)
        assert services.authenticate(here.access_token)
        with pytest.raises(BadToken):
            services.authenticate(elsewhere.access_token)
        with pytest.raises(BadCredentials):
            services.login()
        assert services.login(password=NEW_PASSWORD)

    @pytest.mark.parametrize(
        ("current", "new", "error"),
        [
            ("not the right password", NEW_PASSWORD, BadCredentials),
            (PASSWORD, PASSWORD, InvalidField),
            (PASSWORD, "passwordpassword", InvalidField),
            (PASSWORD, "short", InvalidField),
        ],
    )
    def test_refused_change_keeps_the_password(
        self, services: AccountServices, current: str, new: str, error: type[Exception]
    ) -> None:
        services.register()
        principal = services.authenticate(services.login().access_token)
        with pytest.raises(error):
            services.accounts.change_password(principal, current, new, address="test", now=NOW)
        assert services.login()


@on_both
def test_concurrent_logins_all_succeed_with_a_session_each(services: AccountServices) -> None:
    services.register()
    results = concurrently(4, services.login)
    sessions = {result.session_id for result in results}
    assert len(sessions) == 4
    listed = services.accounts.sessions.list(results[0].user.id, current="", now=NOW)
    assert {session.id for session in listed} == sessions


@on_both
def test_login_with_the_old_password_does_not_survive_a_concurrent_password_change(services: AccountServices) -> None:
    services.register()
    principal = services.authenticate(services.login().access_token)

    def change_password() -> None:
        services.accounts.change_password(principal, PASSWORD, NEW_PASSWORD, address="test", now=NOW)

    calls: Iterator[Callable[[], object]] = iter([change_password, services.login])
    results = concurrently(2, lambda: next(calls)())
    for result in results:
        if isinstance(result, SessionTokens):  # the login was first: the password change ended its session
            with pytest.raises(BadToken):
                services.authenticate(result.access_token)


def test_token_with_the_session_of_another_user_is_rejected(services: AccountServices) -> None:
    services.register("ann")
    bob = services.register("bob")
    ann = services.login("ann")
    with pytest.raises(BadToken):
        services.authenticate(services.tokens.issue_access(bob, ann.session_id, "token-1", NOW))


def test_access_token_expires_with_its_session(tmp_path: Path) -> None:
    services = AccountServices.make(tmp_path, refresh_absolute_seconds=60)
    services.register()
    signed_in = services.login()
    assert services.authenticate(signed_in.access_token, now=NOW + 59).expires_at == NOW + 60
    with pytest.raises(BadToken):
        services.authenticate(signed_in.access_token, now=NOW + 60)


def test_no_password_and_no_token_is_stored_or_logged(
    services: AccountServices, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    services.register()
    first = services.login()
    second = services.refresh(first.refresh_token)
    with pytest.raises(BadCredentials):
        services.login("my-password-in-the-wrong-field", "another password of mine")
    invite = services.admin.invites.create(3600, actor=COMMAND_LINE, now=NOW).invite
    api = services.admin.tokens.issue("ann", {"chat:read"}, 3600, label="", actor=COMMAND_LINE, now=NOW).token
    services.db.close()
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("cloudchat.db*"))
    secrets = [PASSWORD, first.refresh_token, first.access_token, second.refresh_token, invite, api]
    for secret in [*secrets, "my-password-in-the-wrong-field", "another password of mine"]:
        assert secret.encode() not in stored
        assert secret not in caplog.text
    assert "login refused" in caplog.text
