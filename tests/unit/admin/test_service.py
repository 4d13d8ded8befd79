"""API tokens: limited to their user's role, revocable, and audited."""

import pytest
from sqlalchemy import select

from cloudchat.admin.actor import COMMAND_LINE
from cloudchat.auth.errors import AccountDisabled, BadToken, Conflict, InvalidField, NameTaken, NotFound
from cloudchat.auth.tokens.kinds import MAX_API_TOKEN_SECONDS
from cloudchat.database.audit import record
from cloudchat.database.tables.accounts import audit_log
from support.account_services import NOW, PASSWORD, AccountServices

CHAT = {"chat:read", "chat:write"}


def issue(services: AccountServices, name: str = "ann", scopes: set[str] = CHAT, seconds: int = 3600) -> str:
    return services.admin.tokens.issue(name, scopes, seconds, label="bot", actor=COMMAND_LINE, now=NOW).token


def test_token_has_its_user_and_scopes_until_it_expires(services: AccountServices) -> None:
    user_id = services.register()
    principal = services.authenticate(issue(services, scopes={"chat:read"}), now=NOW + 3599)
    assert (principal.user_id, principal.kind, principal.scopes) == (user_id, "api", frozenset({"chat:read"}))
    assert principal.expires_at == NOW + 3600
    with pytest.raises(BadToken):
        services.authenticate(issue(services), now=NOW + 3600)


def test_revoked_token_is_rejected_and_others_are_not(services: AccountServices) -> None:
    services.register()
    bad, good = issue(services), issue(services)
    services.admin.tokens.revoke(services.authenticate(bad).session_id, actor=COMMAND_LINE, now=NOW)
    with pytest.raises(BadToken):
        services.authenticate(bad)
    assert services.authenticate(good)
    states = {token.id: token.revoked_at for token in services.admin.tokens.list()}
    assert sorted(states.values(), key=str) == [NOW, None]


@pytest.mark.parametrize("scopes", [{"admin"}, {"chat:read", "admin"}])
def test_token_with_a_scope_beyond_the_role_is_refused(services: AccountServices, scopes: set[str]) -> None:
    services.register()
    with pytest.raises(Conflict) as refused:
        issue(services, scopes=scopes)
    assert refused.value.field == "scopes"


@pytest.mark.parametrize("scopes", [{"everything"}, set(), {""}])
def test_token_with_unknown_or_no_scopes_is_refused(services: AccountServices, scopes: set[str]) -> None:
    services.register()
    with pytest.raises(InvalidField) as refused:
        issue(services, scopes=scopes)
    assert refused.value.field == "scopes"


def test_token_of_an_administrator_can_have_the_scope_admin(services: AccountServices) -> None:
    services.admin.users.create("chief", PASSWORD, "admin", actor=COMMAND_LINE, now=NOW)
    assert services.authenticate(issue(services, "chief", {"admin"})).scopes == {"admin"}


@pytest.mark.parametrize("seconds", [0, -1, MAX_API_TOKEN_SECONDS + 1])
def test_token_lifetime_is_bounded(services: AccountServices, seconds: int) -> None:
    services.register()
    with pytest.raises(InvalidField):
        issue(services, seconds=seconds)


def test_token_with_the_longest_lifetime_is_valid(services: AccountServices) -> None:
    services.register()
    assert services.authenticate(issue(services, seconds=MAX_API_TOKEN_SECONDS))


def test_disabled_user_gets_no_token(services: AccountServices) -> None:
    services.register()
    services.admin.users.change(services.admin.users.find("ann"), disabled=True, actor=COMMAND_LINE, now=NOW)
    with pytest.raises(AccountDisabled):
        issue(services)


@pytest.mark.parametrize("label", ["two\nlines", "\x1b[31m", "x" * 101])
def test_unprintable_or_long_label_is_refused(services: AccountServices, label: str) -> None:
    services.register()
    with pytest.raises(InvalidField):
        services.admin.tokens.issue("ann", CHAT, 60, label=label, actor=COMMAND_LINE, now=NOW)


@pytest.mark.parametrize("name", ["nobody", "\udcff", "x\ny"])
def test_unknown_user_or_token_raises_not_found_with_a_printable_message(services: AccountServices, name: str) -> None:
    for attempt in (
        lambda: issue(services, name),
        lambda: services.admin.users.change(
            services.admin.users.find(name), disabled=True, actor=COMMAND_LINE, now=NOW
        ),
        lambda: services.admin.users.change(
            services.admin.users.find(name), disabled=False, actor=COMMAND_LINE, now=NOW
        ),
        lambda: services.admin.tokens.revoke(name, actor=COMMAND_LINE, now=NOW),
    ):
        with pytest.raises(NotFound) as refused:
            attempt()
        assert str(refused.value).isprintable()


@pytest.mark.parametrize("entry", ["nothing", "\udcff"])  # how Python reads a byte that is not UTF-8
def test_unknown_audit_entry_raises_not_found(services: AccountServices, entry: str) -> None:
    with pytest.raises(NotFound):
        services.admin.audit_log(entry, 1)


def test_created_user_has_the_given_role(services: AccountServices) -> None:
    services.admin.users.create("root", PASSWORD, "moderator", actor=COMMAND_LINE, now=NOW)
    assert services.login("root").user.role == "moderator"
    with pytest.raises(NameTaken):
        services.admin.users.create("ROOT", PASSWORD, "member", actor=COMMAND_LINE, now=NOW)


def test_each_committed_change_is_in_the_audit_log_and_in_the_process_log(
    services: AccountServices, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    user_id = services.register()
    token_id = services.authenticate(issue(services)).session_id
    for _ in range(2):  # the second call changes nothing
        services.admin.tokens.revoke(token_id, actor=COMMAND_LINE, now=NOW)
    services.admin.users.change(services.admin.users.find("ann"), disabled=True, actor=COMMAND_LINE, now=NOW)
    with services.db.read() as db:
        found = db.execute(select(audit_log)).all()
    assert sorted(entry.action for entry in found) == ["token.issue", "token.revoke", "user.disable", "user.register"]
    of_token = [entry for entry in found if entry.action.startswith("token")]
    assert {entry.target for entry in of_token} == {user_id}
    assert all(f"token={token_id}" in entry.detail for entry in of_token)
    for entry in found:
        line = f"audit action={entry.action} result=done actor={entry.actor} target={entry.target} "
        assert caplog.text.count(line) == 1, caplog.text

    def roll_back() -> None:
        with services.db.write() as db:
            record(db, NOW, "cli", "user.enable")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        roll_back()
    assert "user.enable" not in caplog.text
