"""Sessions: a refresh token is good for one exchange, and a copy of one ends the family."""

import pytest

from cloudchat.auth.errors import BadToken, NotFound, RefreshTokenSuperseded
from cloudchat.auth.results import SessionTokens
from cloudchat.auth.sessions.refresh_rotation import MAX_SUCCESSORS
from cloudchat.auth.sessions.repository import MAX_SESSIONS
from cloudchat.settings import Settings
from support.account_services import NOW, AccountServices, at_once
from support.databases import on_both

pytestmark = on_both

GRACE_SECONDS = Settings().refresh_grace_seconds
AFTER_GRACE = NOW + GRACE_SECONDS + 1


@pytest.fixture
def signed_in(services: AccountServices) -> SessionTokens:
    services.register()
    return services.login()


def test_a_refresh_gives_new_tokens_of_the_same_session(services: AccountServices, signed_in: SessionTokens) -> None:
    fresh = services.refresh(signed_in.refresh_token, now=NOW + 500)
    assert fresh.refresh_token != signed_in.refresh_token
    assert fresh.session_id == signed_in.session_id
    assert services.authenticate(fresh.access_token, now=NOW + 1000)


def test_the_sessions_of_one_user_do_not_know_each_other(services: AccountServices, signed_in: SessionTokens) -> None:
    phone = services.login()
    services.refresh(phone.refresh_token)
    services.refresh(phone.refresh_token, now=NOW + 1)
    with pytest.raises(BadToken):
        services.refresh(phone.refresh_token, now=AFTER_GRACE)
    assert services.refresh(signed_in.refresh_token, now=AFTER_GRACE)


def test_who_never_got_the_answer_asks_again_and_goes_on(services: AccountServices, signed_in: SessionTokens) -> None:
    services.refresh(signed_in.refresh_token)  # the server died before it could say so
    again = services.refresh(signed_in.refresh_token, now=NOW + GRACE_SECONDS)
    assert again.session_id == signed_in.session_id
    assert services.authenticate(again.access_token, now=AFTER_GRACE)
    assert services.refresh(again.refresh_token, now=NOW + 600)


def test_two_tabs_that_refreshed_at_once_both_go_on_with_the_cookie_that_came_last(
    services: AccountServices, signed_in: SessionTokens
) -> None:
    one, other = (services.refresh(signed_in.refresh_token, now=NOW + seconds) for seconds in (0, 1))
    for tab in (one, other):
        assert services.authenticate(tab.access_token, now=NOW + 500)
    jar = services.refresh(other.refresh_token, now=NOW + 500)
    jar = services.refresh(jar.refresh_token, now=NOW + 501)
    assert services.authenticate(jar.access_token, now=NOW + 502)


def test_of_two_successors_the_first_one_used_wins_and_the_other_one_later_ends_the_session(
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


def test_the_other_one_a_moment_later_gets_nothing_and_ends_nothing(
    services: AccountServices, signed_in: SessionTokens
) -> None:
    one, other = (services.refresh(signed_in.refresh_token) for _ in range(2))
    newest = services.refresh(one.refresh_token, now=NOW + 500)
    with pytest.raises(RefreshTokenSuperseded):
        services.refresh(other.refresh_token, now=NOW + 500 + GRACE_SECONDS)
    assert services.refresh(newest.refresh_token, now=NOW + 520)


def test_a_token_whose_successor_was_used_gets_nothing(services: AccountServices, signed_in: SessionTokens) -> None:
    fresh = services.refresh(signed_in.refresh_token)
    newest = services.refresh(fresh.refresh_token, now=NOW + 1)
    with pytest.raises(RefreshTokenSuperseded):
        services.refresh(signed_in.refresh_token, now=NOW + 2)
    assert services.refresh(newest.refresh_token, now=NOW + 3)
    with pytest.raises(BadToken):
        services.refresh(signed_in.refresh_token, now=AFTER_GRACE)


def test_used_again_later_it_ends_the_session_for_both(services: AccountServices, signed_in: SessionTokens) -> None:
    fresh = services.refresh(signed_in.refresh_token)
    with pytest.raises(BadToken):
        services.refresh(signed_in.refresh_token, now=AFTER_GRACE)
    with pytest.raises(BadToken):
        services.authenticate(fresh.access_token, now=AFTER_GRACE)
    with pytest.raises(BadToken):
        services.refresh(fresh.refresh_token, now=AFTER_GRACE)


def test_asking_again_and_again_gets_few_and_does_not_prolong_the_grace(
    services: AccountServices, signed_in: SessionTokens
) -> None:
    for seconds in range(MAX_SUCCESSORS):
        services.refresh(signed_in.refresh_token, now=NOW + seconds)
    with pytest.raises(RefreshTokenSuperseded):
        services.refresh(signed_in.refresh_token, now=NOW + GRACE_SECONDS)
    with pytest.raises(BadToken):
        services.refresh(signed_in.refresh_token, now=AFTER_GRACE)


def test_a_copy_from_generations_ago_ends_the_session_too(services: AccountServices, signed_in: SessionTokens) -> None:
    newest = signed_in
    for generation in range(1, 5):
        newest = services.refresh(newest.refresh_token, now=NOW + generation * 600)
    with pytest.raises(BadToken):
        services.refresh(signed_in.refresh_token, now=NOW + 3000)
    with pytest.raises(BadToken):
        services.refresh(newest.refresh_token, now=NOW + 3000)


def test_of_many_tabs_that_refresh_at_once_few_get_a_successor_and_none_ends_the_session(
    services: AccountServices, signed_in: SessionTokens
) -> None:
    answers = at_once(6, lambda: services.refresh(signed_in.refresh_token))
    won = [answer for answer in answers if isinstance(answer, SessionTokens)]
    assert len({answer.refresh_token for answer in won}) == MAX_SUCCESSORS
    assert sum(isinstance(answer, RefreshTokenSuperseded) for answer in answers) == 6 - MAX_SUCCESSORS
    assert services.refresh(won[-1].refresh_token)


def test_of_successors_used_at_once_one_wins(services: AccountServices, signed_in: SessionTokens) -> None:
    successors = [services.refresh(signed_in.refresh_token) for _ in range(MAX_SUCCESSORS)]
    waiting = iter([successor.refresh_token for successor in successors])
    answers = at_once(MAX_SUCCESSORS, lambda: services.refresh(next(waiting), now=NOW + 500))
    (won,) = [answer for answer in answers if isinstance(answer, SessionTokens)]
    assert sum(isinstance(answer, RefreshTokenSuperseded) for answer in answers) == MAX_SUCCESSORS - 1
    assert services.refresh(won.refresh_token, now=NOW + 501)


def test_a_copy_used_by_many_at_once_ends_the_session_and_is_told_once(
    services: AccountServices, signed_in: SessionTokens
) -> None:
    fresh = services.refresh(signed_in.refresh_token)
    answers = at_once(4, lambda: services.refresh(signed_in.refresh_token, now=AFTER_GRACE))
    assert [type(answer) for answer in answers] == [BadToken] * 4
    with pytest.raises(BadToken):
        services.refresh(fresh.refresh_token, now=AFTER_GRACE)
    assert [entry.action for entry in services.admin.audit_log(None, 50)].count("session.reuse") == 1


@pytest.mark.parametrize("token", ["", "guess", "A" * 43, "\ud800" * 43, "é" * 43])
def test_what_was_never_issued_is_refused(services: AccountServices, signed_in: SessionTokens, token: str) -> None:
    with pytest.raises(BadToken):
        services.refresh(token)
    assert services.refresh(signed_in.refresh_token)


def test_an_access_token_refreshes_nothing(services: AccountServices, signed_in: SessionTokens) -> None:
    with pytest.raises(BadToken):
        services.refresh(signed_in.access_token)


def test_a_session_in_use_lives_to_its_absolute_end_and_an_idle_one_shorter(services: AccountServices) -> None:
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


def test_a_used_token_still_logs_out(services: AccountServices, signed_in: SessionTokens) -> None:
    fresh = services.refresh(signed_in.refresh_token)
    services.accounts.sessions.end_by_refresh_token(signed_in.refresh_token, address="test", now=NOW)
    with pytest.raises(BadToken):
        services.authenticate(fresh.access_token)
    with pytest.raises(BadToken):
        services.refresh(fresh.refresh_token)


def test_a_user_sees_and_ends_only_their_own_sessions(services: AccountServices, signed_in: SessionTokens) -> None:
    services.register("bob")
    bob = services.login("bob")
    (seen,) = services.accounts.sessions.list(signed_in.user.id, current=signed_in.session_id, now=NOW)
    assert (seen.id, seen.current, seen.client) == (signed_in.session_id, True, "test")
    with pytest.raises(NotFound):
        services.accounts.sessions.end(signed_in.user.id, bob.session_id, reason="mischief", address="", now=NOW)
    assert services.authenticate(bob.access_token)


def test_one_user_has_a_bounded_number_of_sessions_and_the_oldest_goes(
    services: AccountServices, signed_in: SessionTokens
) -> None:
    with services.db.read() as db:
        from cloudchat.auth.repository import user_by_id

        user = user_by_id(db, signed_in.user.id)
    assert user is not None
    assert user.password_hash is not None
    for later in range(1, MAX_SESSIONS + 1):
        services.accounts.sessions.open(user.id, user.password_hash, None, client="", address="", now=NOW + later)
    live = services.accounts.sessions.list(user.id, current="", now=NOW + MAX_SESSIONS)
    assert len(live) == MAX_SESSIONS
    assert signed_in.session_id not in {session.id for session in live}


def test_a_device_can_not_forge_lines_by_its_name(services: AccountServices) -> None:
    services.register()
    signed_in = services.accounts.login(
        "ann", "five purple kettles sing", client="x\r\nlogin accepted\x1b[2J" + "y" * 500, address="test", now=NOW
    )
    (seen,) = services.accounts.sessions.list(signed_in.user.id, current="", now=NOW)
    assert seen.client.isprintable()
    assert len(seen.client) == 200
