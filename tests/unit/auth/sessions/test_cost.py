"""A login and a refresh do the same work, however many sessions and refresh tokens there were: all writers wait."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from sqlalchemy import Table, func, select, update

from cloudchat.auth.errors import BadToken, RefreshedTooOften
from cloudchat.auth.results import SessionTokens
from cloudchat.auth.sessions.repository import (
    MAX_DELETIONS,
    MAX_ENDED_SESSIONS,
    MIN_ENDED_RETENTION_SECONDS,
)
from cloudchat.auth.sessions.service import DEAD_TOKEN_RETENTION_SECONDS, MAX_ROTATIONS
from cloudchat.database.tables.accounts import refresh_tokens, sessions
from support.account_services import NOW, AccountServices
from support.databases import on_both
from support.sqlite_steps import StepCounter

DAY = 86400.0
# To read them all would take several times the steps that are allowed.
MANY_TOKENS = 100_000
MANY_SESSIONS = 100_000


@contextmanager
def opened(services: AccountServices) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(services.settings.state_dir / "cloudchat.db")) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")
        yield connection


def count(services: AccountServices, table: Table[Any]) -> int:
    with services.db.read() as db:
        return db.scalar(select(func.count()).select_from(table)) or 0


def add_ended_sessions(services: AccountServices, user_id: str, number: int, *, ended_at: float) -> None:
    rows = (
        (f"dead-{index}", user_id, f"10.{index >> 8}.{index & 255}", ended_at - index / 1e6) for index in range(number)
    )
    with opened(services) as connection:
        connection.executemany(
            "INSERT INTO sessions (id, user_id, client, network, created_at, last_used_at, idle_expires_at, "
            "expires_at, ended_at, ended_because) VALUES (?1, ?2, '', ?3, 0, 0, 9e9, 9e9, ?4, 'logout')",
            rows,
        )


def add_rotated_tokens(services: AccountServices, session_id: str, number: int, *, at: float) -> None:
    rows = ((f"dead-{index:059}", session_id, at, f"dead-{index - 1:059}") for index in range(number))
    with opened(services) as connection:
        connection.executemany(
            "INSERT INTO refresh_tokens (token_hash, session_id, created_at, rotated_at, parent_hash) "
            "VALUES (?1, ?2, ?3, ?3, ?4)",
            rows,
        )


@pytest.fixture
def signed_in(services: AccountServices) -> SessionTokens:
    services.register()
    return services.login()


def test_a_refresh_takes_as_many_steps_after_many_others(services: AccountServices) -> None:
    counter = StepCounter(services)
    services.register()
    tokens = services.login()
    idle = counter.steps_of(lambda: services.refresh(tokens.refresh_token))
    busy = services.login()
    add_rotated_tokens(services, busy.session_id, MANY_TOKENS, at=NOW - DAY)
    assert 0 < counter.steps_of(lambda: services.refresh(busy.refresh_token)) < idle + 100 * MAX_DELETIONS
    assert count(services, refresh_tokens) <= MANY_TOKENS + 4 - MAX_DELETIONS


def test_a_login_takes_as_many_steps_after_many_others(services: AccountServices) -> None:
    counter = StepCounter(services)
    user_id = services.register()
    idle = counter.steps_of(services.login)
    add_ended_sessions(services, user_id, MANY_SESSIONS, ended_at=NOW - MIN_ENDED_RETENTION_SECONDS)
    assert 0 < counter.steps_of(services.login) < idle + 300 * MAX_DELETIONS
    assert count(services, sessions) == MANY_SESSIONS + 2 - MAX_DELETIONS


@on_both
def test_a_session_keeps_few_refresh_tokens(services: AccountServices, signed_in: SessionTokens) -> None:
    token = signed_in.refresh_token
    for number in range(50):
        token = services.refresh(token, now=NOW + number * DEAD_TOKEN_RETENTION_SECONDS / 10).refresh_token
    assert count(services, refresh_tokens) <= 12


@on_both
def test_an_old_token_ends_the_session_after_its_row_was_deleted(
    services: AccountServices, signed_in: SessionTokens
) -> None:
    now, token = NOW, signed_in.refresh_token
    for _ in range(5):
        now += 2 * DEAD_TOKEN_RETENTION_SECONDS
        newest = services.refresh(token, now=now)
        token = newest.refresh_token
    assert count(services, refresh_tokens) == 2
    with pytest.raises(BadToken):
        services.refresh(signed_in.refresh_token, now=now)
    with pytest.raises(BadToken):
        services.authenticate(newest.access_token, now=now)
    assert any(entry.action == "session.reuse" for entry in services.admin.audit_log(None, 10))


@on_both
def test_logout_with_an_old_token_ends_the_session(services: AccountServices, signed_in: SessionTokens) -> None:
    newest = services.refresh(signed_in.refresh_token, now=NOW + 1)
    newest = services.refresh(newest.refresh_token, now=NOW + DAY)
    assert count(services, refresh_tokens) == 2
    services.accounts.sessions.end_by_refresh_token(signed_in.refresh_token, address="", now=NOW + DAY)
    with pytest.raises(BadToken):
        services.authenticate(newest.access_token, now=NOW + DAY)


def test_a_token_of_an_older_version_can_be_exchanged_and_retried(
    services: AccountServices, signed_in: SessionTokens
) -> None:
    with services.db.write() as db:
        db.execute(update(sessions).where(sessions.c.id == signed_in.session_id).values(family_hash=None))
    first, retried = (services.refresh(signed_in.refresh_token, now=NOW + second) for second in (1, 2))
    assert services.refresh(retried.refresh_token, now=NOW + 3)
    with pytest.raises(BadToken):
        services.refresh(first.refresh_token, now=NOW + 600)


def test_a_session_that_is_refreshed_without_end_is_slowed_down(
    services: AccountServices, signed_in: SessionTokens
) -> None:
    add_rotated_tokens(services, signed_in.session_id, MAX_ROTATIONS - 1, at=NOW)
    last = services.refresh(signed_in.refresh_token)
    with pytest.raises(RefreshedTooOften):
        services.refresh(last.refresh_token)
    assert services.refresh(last.refresh_token, now=NOW + DEAD_TOKEN_RETENTION_SECONDS + 1)


def test_ended_sessions_are_kept_until_all_processes_have_seen_their_end(services: AccountServices) -> None:
    user_id = services.register()
    add_ended_sessions(services, user_id, MAX_ENDED_SESSIONS + 10, ended_at=NOW)
    services.login()
    assert count(services, sessions) == MAX_ENDED_SESSIONS + 11
    services.login(now=NOW + MIN_ENDED_RETENTION_SECONDS + 1)
    assert count(services, sessions) == MAX_ENDED_SESSIONS + 2
