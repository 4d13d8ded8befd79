"""User management by administrators, its limits, and the audit log."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cloudchat.admin.actor import COMMAND_LINE, Actor
from cloudchat.auth.errors import (
    BadCredentials,
    BadToken,
    Conflict,
    InvalidField,
    NameTaken,
    NotFound,
    PermissionDenied,
    RegistrationRefused,
)
from cloudchat.auth.keys.key_rotation import LiveKeyRing
from cloudchat.auth.sessions.revocations import revocations_since
from cloudchat.auth.tokens.kinds import ACCESS, API
from cloudchat.database.audit import record
from support.account_services import NOW, PASSWORD, AccountServices, concurrently
from support.databases import on_both

LATER = NOW + 60
ALL_SCOPES = frozenset({"chat:read", "chat:write", "admin"})


@pytest.fixture
def chief(services: AccountServices) -> Actor:
    """The only administrator."""
    user = services.admin.users.create("chief", PASSWORD, "admin", actor=COMMAND_LINE, now=NOW)
    return Actor(user.id, ALL_SCOPES, ACCESS, "192.0.2.1", session_verified_at=NOW)


class TestOneTimePasswords:
    def test_new_user_has_no_scopes_until_the_password_is_changed(
        self, services: AccountServices, chief: Actor
    ) -> None:
        user, password = services.admin.users.create_with_one_time_password("ann", "member", actor=chief, now=NOW)
        assert user.must_change_password
        signed_in = services.login("ann", password)
        principal = services.authenticate(signed_in.access_token)
        assert principal.scopes == frozenset()
        services.accounts.change_password(principal, password, PASSWORD, address="", now=NOW)
        assert services.authenticate(signed_in.access_token).scopes == {"chat:read", "chat:write"}

    def test_api_token_of_a_new_user_has_its_scopes(self, services: AccountServices, chief: Actor) -> None:
        services.admin.users.create_with_one_time_password("bot", "member", actor=chief, now=NOW)
        issued = services.admin.tokens.issue("bot", {"chat:write"}, 60, label="", actor=chief, now=NOW)
        assert services.authenticate(issued.token).scopes == {"chat:write"}

    def test_reset_replaces_the_password_and_ends_all_sessions(self, services: AccountServices, chief: Actor) -> None:
        services.register()
        signed_in = services.login()
        password = services.admin.users.reset_password(services.admin.users.find("ann"), actor=chief, now=NOW)
        with pytest.raises(BadToken):
            services.authenticate(signed_in.access_token)
        with pytest.raises(BadToken):
            services.refresh(signed_in.refresh_token)
        with pytest.raises(BadCredentials):
            services.login()
        assert services.login("ann", password).user.must_change_password

    def test_administrators_cannot_reset_their_own_credentials(self, services: AccountServices, chief: Actor) -> None:
        signed_in = services.login("chief")
        with pytest.raises(Conflict):
            services.admin.users.reset_password(chief.id, actor=chief, now=LATER)
        with pytest.raises(Conflict):
            services.admin.users.reset_second_factor(chief.id, actor=chief, now=LATER + 1)
        assert services.authenticate(signed_in.access_token)
        entries = [(entry.action, entry.result) for entry in services.admin.audit_log(None, 2)]
        assert entries == [("user.reset_totp", "refused"), ("user.reset_password", "refused")]

    def test_one_time_passwords_differ(self, services: AccountServices, chief: Actor) -> None:
        services.register()
        ann = services.admin.users.find("ann")
        passwords = {services.admin.users.reset_password(ann, actor=chief, now=NOW) for _ in range(3)}
        assert len(passwords) == 3


class TestRights:
    def test_changed_role_takes_effect_immediately(self, services: AccountServices, chief: Actor) -> None:
        services.register()
        signed_in = services.login()
        ann = services.admin.users.find("ann")
        services.admin.users.change(ann, role="admin", actor=chief, now=NOW)
        assert "admin" in services.authenticate(signed_in.access_token).scopes
        issued = services.admin.tokens.issue("ann", ALL_SCOPES, 60, label="", actor=chief, now=NOW)
        services.admin.users.change(ann, role="member", actor=chief, now=NOW)
        for token in (signed_in.access_token, issued.token):
            assert "admin" not in services.authenticate(token).scopes

    def test_each_change_appears_in_the_revocations(
        self, services: AccountServices, chief: Actor, tmp_path: Path
    ) -> None:
        keys = LiveKeyRing(tmp_path / "keys")
        services.register()
        ann = services.admin.users.find("ann")
        users = services.admin.users
        changes: list[Callable[[float], object]] = [
            lambda now: users.change(ann, role="moderator", actor=chief, now=now),
            lambda now: users.reset_password(ann, actor=chief, now=now),
            lambda now: users.change(ann, disabled=True, actor=chief, now=now),
            lambda now: users.change(ann, disabled=False, actor=chief, now=now),
        ]
        for seconds, change in enumerate(changes):
            now = LATER + seconds
            with services.db.read() as db:
                assert not revocations_since(db, keys, now)
            change(now)
            with services.db.read() as db:
                revocations = revocations_since(db, keys, now)
            assert ann in revocations.disabled or revocations.changed == {ann: now}

    def test_change_without_effect_is_not_audited(self, services: AccountServices, chief: Actor) -> None:
        services.register()
        services.admin.users.change(
            services.admin.users.find("ann"), role="member", disabled=False, actor=chief, now=LATER
        )
        assert all(entry.at < LATER for entry in services.admin.audit_log(None, 50))

    @pytest.mark.parametrize("role", ["", "root", "ADMIN"])
    def test_unknown_role_is_refused(self, services: AccountServices, chief: Actor, role: str) -> None:
        services.register()
        with pytest.raises(InvalidField):
            services.admin.users.change(services.admin.users.find("ann"), role=role, actor=chief, now=NOW)
        with pytest.raises(InvalidField):
            services.admin.users.create_with_one_time_password("bob", role, actor=chief, now=NOW)


class TestLastAdministrator:
    @pytest.mark.parametrize("change", [{"disabled": True}, {"role": "member"}, {"role": "moderator"}])
    def test_administrators_cannot_disable_or_demote_themselves(
        self, services: AccountServices, chief: Actor, change: dict[str, object]
    ) -> None:
        services.admin.users.create("other", PASSWORD, "admin", actor=COMMAND_LINE, now=NOW)
        with pytest.raises(Conflict):
            services.admin.users.change(chief.id, actor=chief, now=NOW, **change)  # type: ignore[arg-type]
        assert services.login("chief").user.role == "admin"

    @pytest.mark.parametrize("change", [{"disabled": True}, {"role": "member"}])
    def test_command_line_cannot_disable_or_demote_the_last_administrator(
        self, services: AccountServices, chief: Actor, change: dict[str, object]
    ) -> None:
        other = services.admin.users.create("other", PASSWORD, "admin", actor=COMMAND_LINE, now=NOW)
        services.admin.users.change(other.id, disabled=True, actor=chief, now=NOW)  # disabled: does not count
        with pytest.raises(Conflict):
            services.admin.users.change(chief.id, actor=COMMAND_LINE, now=NOW, **change)  # type: ignore[arg-type]
        assert services.login("chief").user.role == "admin"

    @on_both
    def test_one_of_two_concurrent_mutual_demotions_fails(self, services: AccountServices, chief: Actor) -> None:
        other = services.admin.users.create("other", PASSWORD, "admin", actor=COMMAND_LINE, now=NOW)
        demotions = iter(
            [(chief, other.id), (Actor(other.id, ALL_SCOPES, kind=ACCESS, session_verified_at=NOW), chief.id)]
        )

        def demote() -> None:
            actor, target = next(demotions)
            services.admin.users.change(target, role="member", actor=actor, now=NOW)

        results = concurrently(2, demote)
        assert sorted(type(result).__name__ for result in results) == ["Conflict", "NoneType"]


class TestTokens:
    def test_token_cannot_have_scopes_that_its_issuer_lacks(self, services: AccountServices, chief: Actor) -> None:
        token_actor = Actor(chief.id, frozenset({"admin"}), kind=API)  # an API token without the scopes to chat
        assert services.admin.tokens.issue("chief", {"admin"}, 60, label="", actor=token_actor, now=NOW)
        with pytest.raises(PermissionDenied):
            services.admin.tokens.issue("chief", {"admin", "chat:write"}, 60, label="", actor=token_actor, now=NOW)
        assert len(services.admin.tokens.list()) == 1


class TestInvites:
    def test_deleted_invite_is_refused(self, tmp_path: Path) -> None:
        services = AccountServices.make(tmp_path, registration="invite")
        issued = services.admin.invites.create(60, actor=COMMAND_LINE, now=NOW)
        services.admin.invites.delete(issued.id, actor=COMMAND_LINE, now=NOW)
        with pytest.raises(RegistrationRefused):
            services.register(invite=issued.invite)
        with pytest.raises(NotFound):
            services.admin.invites.delete(issued.id, actor=COMMAND_LINE, now=NOW)

    def test_list_has_the_user_of_each_invite(self, tmp_path: Path) -> None:
        services = AccountServices.make(tmp_path, registration="invite")
        issued = services.admin.invites.create(60, label="Ann, from the choir", actor=COMMAND_LINE, now=NOW)
        services.register("ann", invite=issued.invite)
        (invite,) = services.admin.invites.list()
        assert (invite.id, invite.used_by, invite.used_at) == (issued.id, "ann", NOW)
        assert invite.label == "Ann, from the choir"

    @pytest.mark.parametrize("label", ["two\nlines", "x" * 101])
    def test_unprintable_or_long_label_is_refused(self, services: AccountServices, label: str) -> None:
        with pytest.raises(InvalidField):
            services.admin.invites.create(60, label=label, actor=COMMAND_LINE, now=NOW)

    @pytest.mark.parametrize("seconds", [0, -1, 91 * 86400])
    def test_invite_lifetime_is_bounded(self, services: AccountServices, seconds: int) -> None:
        with pytest.raises(InvalidField):
            services.admin.invites.create(seconds, actor=COMMAND_LINE, now=NOW)


class TestAuditLog:
    def test_entry_has_actor_action_target_time_and_address(self, services: AccountServices, chief: Actor) -> None:
        services.register()
        services.admin.users.change(services.admin.users.find("ann"), disabled=True, actor=chief, now=LATER)
        newest = services.admin.audit_log(None, 1)[0]
        assert (newest.actor_name, newest.action, newest.target_name) == ("chief", "user.disable", "ann")
        assert (newest.at, newest.address, newest.result) == (LATER, "192.0.2.1", "done")

    def test_entry_has_the_client_of_a_session_and_the_user_of_a_token(
        self, services: AccountServices, chief: Actor
    ) -> None:
        services.register()
        services.login()  # with the client "test"
        issued = services.admin.tokens.issue("ann", {"chat:read"}, 60, label="weather bot", actor=chief, now=LATER)
        services.admin.tokens.revoke(issued.id, actor=chief, now=LATER)
        entries = services.admin.audit_log(None, 500)
        named = {(entry.action, entry.target_name) for entry in entries}
        assert named >= {("session.open", "test"), ("token.issue", "ann"), ("token.revoke", "ann")}
        assert {entry.detail for entry in entries} >= {
            f"token={issued.id} scopes=chat:read label='weather bot'",
            f"token={issued.id}",
        }

    def test_entry_of_an_older_version_about_a_token_has_its_user(
        self, services: AccountServices, chief: Actor
    ) -> None:
        services.register()
        issued = services.admin.tokens.issue("ann", {"chat:read"}, 60, label="weather bot", actor=chief, now=LATER)
        with services.db.write() as db:
            record(db, LATER + 1, chief.id, "token.issue", target=issued.id)
        assert services.admin.audit_log(None, 1)[0].target_name == "ann"

    def test_denied_change_is_recorded_as_refused(self, services: AccountServices, chief: Actor) -> None:
        with pytest.raises(Conflict):
            services.admin.users.change(chief.id, disabled=True, actor=chief, now=LATER)
        newest = services.admin.audit_log(None, 1)[0]
        assert (newest.action, newest.target_name, newest.result) == ("user.change", "chief", "refused")

    def test_failed_change_is_not_recorded(self, services: AccountServices, chief: Actor) -> None:
        before = services.admin.audit_log(None, 500)
        with pytest.raises(NameTaken):
            services.admin.users.create_with_one_time_password("chief", "member", actor=chief, now=LATER)
        assert services.admin.audit_log(None, 500) == before

    def test_pages_have_each_entry_once_even_with_equal_times(self, services: AccountServices, chief: Actor) -> None:
        for _ in range(6):
            services.admin.invites.create(60, actor=chief, now=LATER)
        seen: list[str] = []
        before = None
        while page := services.admin.audit_log(before, 2):
            seen += [entry.id for entry in page]
            before = seen[-1]
        assert len(seen) == len(set(seen)) == len(services.admin.audit_log(None, 500)) == 7

    def test_unknown_cursor_raises_not_found(self, services: AccountServices) -> None:
        with pytest.raises(NotFound):
            services.admin.audit_log("nothing", 2)
        with pytest.raises(NotFound):
            services.admin.users.list("nothing", 2)


def test_pages_of_users_have_each_user_once(services: AccountServices, chief: Actor) -> None:
    for name in ("ann", "bob", "cid", "dan"):
        services.register(name)  # at the same time
    names: list[str] = []
    after = None
    while page := services.admin.users.list(after, 2):
        names += [user.name for user in page]
        after = page[-1].id
    assert sorted(names) == ["ann", "bob", "chief", "cid", "dan"]


def test_users_are_found_by_the_beginning_of_their_names(services: AccountServices, chief: Actor) -> None:
    for seconds, name in enumerate(("ann", "Anna", "bob")):
        services.register(name, now=NOW + seconds)
    assert [user.name for user in services.admin.users.list(None, 5, "AN")] == ["ann", "Anna"]
    assert services.admin.users.list(None, 5, "\u0000") == []
