"""Sessions: a refresh token can be exchanged once, and the use of a copy revokes the session."""

import pytest

from cloudchat.auth.errors import BadToken, NotFound, RefreshTokenSuperseded
from cloudchat.auth.repository import user_by_id
from cloudchat.auth.results import SessionTokens
from cloudchat.auth.sessions.refresh_rotation import MAX_SUCCESSORS
from cloudchat.auth.sessions.repository import MAX_SESSIONS
from cloudchat.settings import Settings
from support.account_services import NOW, AccountServices, concurrently
from support.databases import on_both

pytestmark = on_both

GRACE_SECONDS = Settings().refresh_grace_seconds
AFTER_GRACE = NOW + GRACE_SECONDS + 1


@pytest.fixture
def signed_in(services: AccountServices) -> SessionTokens:
    services.register()
    return services.login()


def test_refresh_returns_new_tokens_of_the_same_session(services: AccountServices, signed_in: SessionTokens) -> None:
    fresh = services.refresh(signed_in.refresh_token, now=NOW + 500)
    assert fresh.refresh_token != signed_in.refresh_token
    assert fresh.session_id == signed_in.session_id
    assert services.authenticate(fresh.access_token, now=NOW + 1000)


def test_revocation_of_one_session_leaves_the_other_sessions_of_the_user(
    services: AccountServices, signed_in: SessionTokens
) -> None:
    phone = services.login()
    services.refresh(phone.refresh_token)
    services.refresh(phone.refresh_token, now=NOW + 1)
    with pytest.raises(BadToken):
        services.refresh(phone.refresh_token, now=AFTER_GRACE)
    assert services.refresh(signed_in.refresh_token, now=AFTER_GRACE)


def test_lost_response_can_be_retried_within_the_grace_period(
    services: AccountServices, signed_in: SessionTokens
) -> None:
    services.refresh(signed_in.refresh_token)  # the response is lost
    retried = services.refresh(signed_in.refresh_token, now=NOW + GRACE_SECONDS)
    assert retried.session_id == signed_in.session_id
    assert services.authenticate(retried.access_token, now=AFTER_GRACE)
    assert services.refresh(retried.refresh_token, now=NOW + 600)


def test_two_tabs_can_refresh_with_one_token_and_continue_with_the_last_cookie(
    services: AccountServices, signed_in: SessionTokens
) -> None:
    one, other = (services.refresh(signed_in.refresh_token, now=NOW + seconds) for seconds in (0, 1))
    for tab in (one, other):
        assert services.authenticate(tab.access_token, now=NOW + 500)
    cookie = services.refresh(other.refresh_token, now=NOW + 500)
    cookie = services.refresh(cookie.refresh_token, now=NOW + 501)
    assert services.authenticate(cookie.access_token, now=NOW + 502)


def test_use_of_a_sibling_after_the_grace_period_revokes_the_session(
    services: AccountServices, signed_in: SessionTokens
) -> None:
    owner, thief = (services.refresh(signed_in.refresh_token) for _ in range(2))
    newest = services.refresh(owner.refresh_token, now=NOW + 500)
    with pytest.raises(BadToken):
        services.refresh(thief.refresh_token, now=NOW + 500 + GRACE_SECONDS + 1)
    with pytest.raises(BadToken):
        services.authenticate(newest.access_token, now=NOW + 520)
    with pytest.raises(BadToken):
        services.refresh(newest.refresh_token, now=NOW + 520)


def test_use_of_a_sibling_within_the_grace_period_is_refused_without_revocation(
    services: AccountServices, signed_in: SessionTokens
) -> None:
    one, other = (services.refresh(signed_in.refresh_token) for _ in range(2))
    newest = services.refresh(one.refresh_token, now=NOW + 500)
    with pytest.raises(RefreshTokenSuperseded):
        services.refresh(other.refresh_token, now=NOW + 500 + GRACE_SECONDS)
    assert services.refresh(newest.refresh_token, now=NOW + 520)


def test_token_with_a_used_successor_is_refused(services: AccountServices, signed_in: SessionTokens) -> None:
    fresh = services.refresh(signed_in.refresh_token)
    newest = services.refresh(fresh.refresh_token, now=NOW + 1)
    with pytest.raises(RefreshTokenSuperseded):
        services.refresh(signed_in.refresh_token, now=NOW + 2)
    assert services.refresh(newest.refresh_token, now=NOW + 3)
    with pytest.raises(BadToken):
        services.refresh(signed_in.refresh_token, now=AFTER_GRACE)


def test_reuse_after_the_grace_period_revokes_the_session(services: AccountServices, signed_in: SessionTokens) -> None:
    fresh = services.refresh(signed_in.refresh_token)
    with pytest.raises(BadToken):
        services.refresh(signed_in.refresh_token, now=AFTER_GRACE)
    with pytest.raises(BadToken):
        services.authenticate(fresh.access_token, now=AFTER_GRACE)
    with pytest.raises(BadToken):
        services.refresh(fresh.refresh_token, now=AFTER_GRACE)


def test_retries_get_a_bounded_number_of_successors_and_do_not_extend_the_grace_period(
    services: AccountServices, signed_in: SessionTokens
) -> None:
    for seconds in range(MAX_SUCCESSORS):
        services.refresh(signed_in.refresh_token, now=NOW + seconds)
    with pytest.raises(RefreshTokenSuperseded):
        services.refresh(signed_in.refresh_token, now=NOW + GRACE_SECONDS)
    with pytest.raises(BadToken):
        services.refresh(signed_in.refresh_token, now=AFTER_GRACE)


def test_reuse_of_a_much_older_token_revokes_the_session(services: AccountServices, signed_in: SessionTokens) -> None:
    newest = signed_in
    for generation in range(1, 5):
        newest = services.refresh(newest.refresh_token, now=NOW + generation * 600)
    with pytest.raises(BadToken):
        services.refresh(signed_in.refresh_token, now=NOW + 3000)
    with pytest.raises(BadToken):
        services.refresh(newest.refresh_token, now=NOW + 3000)


def test_concurrent_refreshes_get_at_most_max_successors_and_do_not_revoke(
    services: AccountServices, signed_in: SessionTokens
) -> None:
    results = concurrently(6, lambda: services.refresh(signed_in.refresh_token))
    won = [result for result in results if isinstance(result, SessionTokens)]
    assert len({result.refresh_token for result in won}) == MAX_SUCCESSORS
    assert sum(isinstance(result, RefreshTokenSuperseded) for result in results) == 6 - MAX_SUCCESSORS
    assert services.refresh(won[-1].refresh_token)


def test_one_of_several_concurrently_used_siblings_wins(services: AccountServices, signed_in: SessionTokens) -> None:
    successors = [services.refresh(signed_in.refresh_token) for _ in range(MAX_SUCCESSORS)]
    tokens = iter([successor.refresh_token for successor in successors])
    results = concurrently(MAX_SUCCESSORS, lambda: services.refresh(next(tokens), now=NOW + 500))
    (won,) = [result for result in results if isinstance(result, SessionTokens)]
    assert sum(isinstance(result, RefreshTokenSuperseded) for result in results) == MAX_SUCCESSORS - 1
    assert services.refresh(won.refresh_token, now=NOW + 501)


def test_concurrent_reuse_revokes_the_session_with_one_audit_entry(
    services: AccountServices, signed_in: SessionTokens
) -> None:
    fresh = services.refresh(signed_in.refresh_token)
    results = concurrently(4, lambda: services.refresh(signed_in.refresh_token, now=AFTER_GRACE))
    assert [type(result) for result in results] == [BadToken] * 4
    with pytest.raises(BadToken):
        services.refresh(fresh.refresh_token, now=AFTER_GRACE)
    assert [entry.action for entry in services.admin.audit_log(None, 50)].count("session.reuse") == 1


@pytest.mark.parametrize("token", ["", "guess", "A" * 43, "\ud800" * 43, "é" * 43])
def test_unknown_refresh_token_is_rejected(services: AccountServices, signed_in: SessionTokens, token: str) -> None:
    with pytest.raises(BadToken):
        services.refresh(token)
    assert services.refresh(signed_in.refresh_token)


def test_access_token_is_not_a_refresh_token(services: AccountServices, signed_in: SessionTokens) -> None:
    with pytest.raises(BadToken):
        services.refresh(signed_in.access_token)


def test_idle_session_expires_first_and_used_session_at_its_absolute_end(services: AccountServices) -> None:
    services = services.with_settings(refresh_idle_seconds=1000, refresh_absolute_seconds=2500)
    services.register()
    idle, used = services.login(), services.login()
    used = services.refresh(used.refresh_token, now=NOW + 900)
    with pytest.raises(BadToken):
        services.refresh(idle.refresh_token, now=NOW + 1000)
    used = services.refresh(used.refresh_token, now=NOW + 1800)
    assert used.refresh_expires_in == 700
    with pytest.raises(BadToken):
        services.refresh(used.refresh_token, now=NOW + 2500)


def test_logout_accepts_an_exchanged_refresh_token(services: AccountServices, signed_in: SessionTokens) -> None:
    fresh = services.refresh(signed_in.refresh_token)
    services.accounts.sessions.end_by_refresh_token(signed_in.refresh_token, address="test", now=NOW)
    with pytest.raises(BadToken):
        services.authenticate(fresh.access_token)
    with pytest.raises(BadToken):
        services.refresh(fresh.refresh_token)


def test_user_can_list_and_end_only_their_own_sessions(services: AccountServices, signed_in: SessionTokens) -> None:
    services.register("bob")
    bob = services.login("bob")
    (session,) = services.accounts.sessions.list(signed_in.user.id, current=signed_in.session_id, now=NOW)
    assert (session.id, session.current, session.client) == (signed_in.session_id, True, "test")
    with pytest.raises(NotFound):
        services.accounts.sessions.end(signed_in.user.id, bob.session_id, reason="test", address="", now=NOW)
    assert services.authenticate(bob.access_token)


def test_oldest_session_ends_beyond_max_sessions(services: AccountServices, signed_in: SessionTokens) -> None:
    with services.db.read() as db:
        user = user_by_id(db, signed_in.user.id)
    assert user is not None
    assert user.password_hash is not None
    for later in range(1, MAX_SESSIONS + 1):
        services.accounts.sessions.open(user.id, user.password_hash, None, client="", address="", now=NOW + later)
    live = services.accounts.sessions.list(user.id, current="", now=NOW + MAX_SESSIONS)
    assert len(live) == MAX_SESSIONS
    assert signed_in.session_id not in {session.id for session in live}


def test_client_name_is_printable_and_bounded(services: AccountServices) -> None:
    services.register()
    signed_in = services.accounts.login(
        "ann", "five purple kettles sing", client="x\r\nlogin accepted\x1b[2J" + "y" * 500, address="test", now=NOW
    )
    (session,) = services.accounts.sessions.list(signed_in.user.id, current="", now=NOW)
    assert session.client.isprintable()
    assert len(session.client) == 200
