"""Which administrative changes a session must prove itself for again, and which an API token can never make."""

from collections.abc import Callable

import pytest

from cloudchat.admin.actor import COMMAND_LINE, Actor
from cloudchat.auth.errors import PermissionDenied, StepUpRequired
from cloudchat.auth.principal import STEP_UP_SECONDS
from cloudchat.database.audit import DONE, REFUSED
from support.account_services import NOW, PASSWORD, AccountServices

LATER = NOW + STEP_UP_SECONDS
CHAT = frozenset({"chat:read"})

Change = Callable[[AccountServices, Actor, float], object]


def user(services: AccountServices, name: str) -> str:
    return services.admin.users.find(name)


def issue(services: AccountServices, name: str, actor: Actor, now: float, seconds: int = 60) -> str:
    return services.admin.tokens.issue(name, CHAT, seconds, label="", actor=actor, now=now).id


def revoke_token_of(name: str) -> Change:
    def revoke(services: AccountServices, actor: Actor, now: float) -> None:
        token_id = issue(services, name, COMMAND_LINE, NOW)
        services.admin.tokens.revoke(token_id, actor=actor, now=now)

    return revoke


OF_MEMBERS: dict[str, Change] = {
    "set the role": lambda services, actor, now: services.admin.users.change(
        user(services, "ann"), role="moderator", actor=actor, now=now
    ),
    "disable": lambda services, actor, now: services.admin.users.change(
        user(services, "ann"), disabled=True, actor=actor, now=now
    ),
    "reset the password": lambda services, actor, now: services.admin.users.reset_password(
        user(services, "ann"), actor=actor, now=now
    ),
    "issue a token": lambda services, actor, now: issue(services, "ann", actor, now),
    "revoke a token": revoke_token_of("ann"),
}
OF_ADMINISTRATORS: dict[str, Change] = {
    "create": lambda services, actor, now: services.admin.users.create_with_one_time_password(
        "new", "admin", actor=actor, now=now
    ),
    "promote": lambda services, actor, now: services.admin.users.change(
        user(services, "ann"), role="admin", actor=actor, now=now
    ),
    "demote": lambda services, actor, now: services.admin.users.change(
        user(services, "boss"), role="member", actor=actor, now=now
    ),
    "disable": lambda services, actor, now: services.admin.users.change(
        user(services, "boss"), disabled=True, actor=actor, now=now
    ),
    "enable": lambda services, actor, now: services.admin.users.change(
        user(services, "boss"), disabled=False, actor=actor, now=now
    ),
    "reset the password": lambda services, actor, now: services.admin.users.reset_password(
        user(services, "boss"), actor=actor, now=now
    ),
    "reset the second factor": lambda services, actor, now: services.admin.users.reset_second_factor(
        user(services, "boss"), actor=actor, now=now
    ),
    "issue a token": lambda services, actor, now: issue(services, "boss", actor, now),
    "revoke a token": revoke_token_of("boss"),
}
ALL = {f"a member: {name}": change for name, change in OF_MEMBERS.items()} | {
    f"an administrator: {name}": change for name, change in OF_ADMINISTRATORS.items()
}


@pytest.fixture(autouse=True)
def users(services: AccountServices) -> None:
    services.register("ann")
    for name in ("chief", "boss"):
        services.admin.users.create(name, PASSWORD, "admin", actor=COMMAND_LINE, now=NOW)


@pytest.fixture
def session(services: AccountServices) -> str:
    """An access token of the administrator chief, who signed in at NOW."""
    return services.login("chief").access_token


def acting(services: AccountServices, token: str, now: float) -> Actor:
    return Actor.from_principal(services.authenticate(token, now=now), "192.0.2.1")


def api_actor(services: AccountServices, seconds: int = 3600) -> Actor:
    scopes = {"admin", "chat:read"}
    issued = services.admin.tokens.issue("chief", scopes, seconds, label="", actor=COMMAND_LINE, now=NOW)
    return acting(services, issued.token, NOW)


@pytest.mark.parametrize("name", ALL)
def test_a_session_that_is_not_fresh_is_refused_and_audited(services: AccountServices, session: str, name: str) -> None:
    with pytest.raises(StepUpRequired):
        ALL[name](services, acting(services, session, LATER), LATER)
    newest = services.admin.audit_log(None, 1)[0]
    assert (newest.actor_name, newest.result, newest.address) == ("chief", REFUSED, "192.0.2.1")


@pytest.mark.parametrize("name", OF_MEMBERS)
def test_a_fresh_session_may(services: AccountServices, session: str, name: str) -> None:
    now = LATER - 1
    OF_MEMBERS[name](services, acting(services, session, now), now)
    assert services.admin.audit_log(None, 1)[0].result == DONE


def test_a_step_up_makes_a_session_fresh(services: AccountServices, session: str) -> None:
    principal = services.authenticate(session, now=LATER)
    services.accounts.step_up.verify(principal, password=PASSWORD, code=None, address="", now=LATER)
    OF_ADMINISTRATORS["promote"](services, acting(services, session, LATER), LATER)


def test_members_and_invites_are_created_without_a_step_up(services: AccountServices, session: str) -> None:
    actor = acting(services, session, LATER)
    services.admin.users.create_with_one_time_password("new", "member", actor=actor, now=LATER)
    services.admin.invites.create(60, actor=actor, now=LATER)


@pytest.mark.parametrize("name", OF_MEMBERS)
def test_an_api_token_may_change_members(services: AccountServices, name: str) -> None:
    OF_MEMBERS[name](services, api_actor(services), NOW + 1)


@pytest.mark.parametrize("name", OF_ADMINISTRATORS)
def test_an_api_token_may_not_touch_administrators(services: AccountServices, name: str) -> None:
    with pytest.raises(PermissionDenied):
        OF_ADMINISTRATORS[name](services, api_actor(services), NOW + 1)
    newest = services.admin.audit_log(None, 1)[0]
    assert (newest.actor_name, newest.result) == ("chief", REFUSED)


@pytest.mark.parametrize("name", ["ann", "chief"])
def test_an_api_token_issues_no_token_that_outlives_it(services: AccountServices, name: str) -> None:
    actor = api_actor(services, seconds=3600)
    assert issue(services, name, actor, NOW, seconds=3600)
    with pytest.raises(PermissionDenied, match="outlives"):
        issue(services, name, actor, NOW, seconds=3601)
    with pytest.raises(PermissionDenied, match="outlives"):
        issue(services, name, actor, NOW + 3000, seconds=601)
    newest = services.admin.audit_log(None, 1)[0]
    assert (newest.action, newest.target_name, newest.result) == ("token.issue", name, REFUSED)


# Boss has no second factor that could be reset.
@pytest.mark.parametrize("name", [name for name in ALL if name != "an administrator: reset the second factor"])
def test_the_command_line_needs_no_step_up(services: AccountServices, name: str) -> None:
    ALL[name](services, COMMAND_LINE, LATER)
