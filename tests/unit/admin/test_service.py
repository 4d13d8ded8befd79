"""Administration: API tokens within their user's role, and their end."""

import pytest

from cloudchat.admin.actor import COMMAND_LINE
from cloudchat.auth.errors import AccountDisabled, BadToken, Conflict, InvalidField, NameTaken, NotFound
from cloudchat.auth.tokens.access_tokens import MAX_API_TOKEN_SECONDS
from support.account_services import NOW, PASSWORD, AccountServices

BOTH = {"chat:read", "chat:write"}


def issue(services: AccountServices, name: str = "ann", scopes: set[str] = BOTH, seconds: int = 3600) -> str:
    return services.admin.tokens.issue(name, scopes, seconds, label="bot", actor=COMMAND_LINE, now=NOW).token


def test_a_token_speaks_for_its_user_with_its_scopes_until_it_expires(services: AccountServices) -> None:
    user_id = services.register()
    principal = services.authenticate(issue(services, scopes={"chat:read"}), now=NOW + 3599)
    assert (principal.user_id, principal.kind, principal.scopes) == (user_id, "api", {"chat:read"})
    assert principal.expires_at == NOW + 3600
    with pytest.raises(BadToken):
        services.authenticate(issue(services), now=NOW + 3600)


def test_a_revoked_token_is_refused_at_once_and_others_are_not(services: AccountServices) -> None:
    services.register()
    bad, good = issue(services), issue(services)
    services.admin.tokens.revoke(services.authenticate(bad).session_id, actor=COMMAND_LINE, now=NOW)
    with pytest.raises(BadToken):
        services.authenticate(bad)
    assert services.authenticate(good)
    states = {token.id: token.revoked_at for token in services.admin.tokens.list()}
    assert sorted(states.values(), key=str) == [NOW, None]


@pytest.mark.parametrize("scopes", [{"admin"}, {"chat:read", "admin"}])
def test_nobody_gets_a_token_beyond_their_role(services: AccountServices, scopes: set[str]) -> None:
    services.register()
    with pytest.raises(Conflict) as refused:
        issue(services, scopes=scopes)
    assert refused.value.field == "scopes"


@pytest.mark.parametrize("scopes", [{"everything"}, set(), {""}])
def test_nobody_gets_a_token_for_nothing_known(services: AccountServices, scopes: set[str]) -> None:
    services.register()
    with pytest.raises(InvalidField) as refused:
        issue(services, scopes=scopes)
    assert refused.value.field == "scopes"


def test_a_token_of_an_administrator_may_administer(services: AccountServices) -> None:
    services.admin.users.create("chief", PASSWORD, "admin", actor=COMMAND_LINE, now=NOW)
    assert services.authenticate(issue(services, "chief", {"admin"})).scopes == {"admin"}


@pytest.mark.parametrize("seconds", [0, -1, MAX_API_TOKEN_SECONDS + 1])
def test_a_tokens_life_is_bounded(services: AccountServices, seconds: int) -> None:
    services.register()
    with pytest.raises(InvalidField):
        issue(services, seconds=seconds)


def test_the_longest_token_is_good(services: AccountServices) -> None:
    services.register()
    assert services.authenticate(issue(services, seconds=MAX_API_TOKEN_SECONDS))


def test_a_disabled_user_gets_none(services: AccountServices) -> None:
    services.register()
    services.admin.users.change(services.admin.users.find("ann"), disabled=True, actor=COMMAND_LINE, now=NOW)
    with pytest.raises(AccountDisabled):
        issue(services)


@pytest.mark.parametrize("label", ["two\nlines", "\x1b[31m", "x" * 101])
def test_a_label_can_not_break_the_list(services: AccountServices, label: str) -> None:
    services.register()
    with pytest.raises(InvalidField):
        services.admin.tokens.issue("ann", BOTH, 60, label=label, actor=COMMAND_LINE, now=NOW)


@pytest.mark.parametrize("name", ["nobody", "\udcff", "x\ny"])
def test_who_is_not_there_is_said_so(services: AccountServices, name: str) -> None:
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


@pytest.mark.parametrize("entry", ["nothing", "\udcff"])  # which is how Python reads a byte that is no UTF-8
def test_an_audit_entry_that_is_not_there_is_said_so(services: AccountServices, entry: str) -> None:
    with pytest.raises(NotFound):
        services.admin.audit_log(entry, 1)


def test_a_created_user_signs_in_with_the_given_role(services: AccountServices) -> None:
    services.admin.users.create("root", PASSWORD, "moderator", actor=COMMAND_LINE, now=NOW)
    assert services.login("root").user.role == "moderator"
    with pytest.raises(NameTaken):
        services.admin.users.create("ROOT", PASSWORD, "member", actor=COMMAND_LINE, now=NOW)


def test_each_change_is_in_the_audit_log_and_once_it_is_done_in_the_processs_own(
    services: AccountServices, caplog: pytest.LogCaptureFixture
) -> None:
    from sqlalchemy import select

    from cloudchat.database.audit import record
    from cloudchat.database.models import AuditEntry

    caplog.set_level("INFO")
    services.register()
    token_id = services.authenticate(issue(services)).session_id
    for _ in range(2):  # the second one changes nothing
        services.admin.tokens.revoke(token_id, actor=COMMAND_LINE, now=NOW)
    services.admin.users.change(services.admin.users.find("ann"), disabled=True, actor=COMMAND_LINE, now=NOW)
    with services.db.read() as db:
        found = db.scalars(select(AuditEntry)).all()
    assert sorted(entry.action for entry in found) == ["token.issue", "token.revoke", "user.disable", "user.register"]
    assert {entry.target for entry in found if entry.action.startswith("token")} == {token_id}
    for entry in found:
        told = f"audit action={entry.action} result=done actor={entry.actor} target={entry.target} "
        assert caplog.text.count(told) == 1, caplog.text

    def undone() -> None:
        with services.db.write() as db:
            record(db, NOW, "cli", "user.enable")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        undone()
    assert "user.enable" not in caplog.text
