"""Pruning: deletes old entries in small transactions, keeps the rest, and runs every hour."""

import asyncio
from collections.abc import Iterator

import pytest
from sqlalchemy import func, insert, select

from cloudchat.admin.actor import COMMAND_LINE
from cloudchat.auth.errors import BadToken
from cloudchat.database.pruning import (
    INTERVAL_SECONDS,
    MAX_ROWS_PER_TRANSACTION,
    PAUSE_SECONDS,
    RETRY_SECONDS,
    prune,
    prune_hourly,
)
from cloudchat.database.tables.accounts import api_tokens, audit_log, invites, refresh_tokens, sessions
from cloudchat.database.transactions import DatabaseUnavailable
from support.account_services import NOW, AccountServices
from support.databases import on_both

DAY = 86400.0
RETENTION = 365 * DAY
TABLES = (audit_log, sessions, refresh_tokens, invites, api_tokens)


def row_counts(services: AccountServices) -> dict[str, int]:
    with services.db.read() as db:
        return {table.name: db.scalar(select(func.count()).select_from(table)) or 0 for table in TABLES}


def make_history(services: AccountServices) -> None:
    """Create a user with two invites, tokens and sessions. Of each pair, one ends immediately, one after days."""
    services.register()
    ended, open_session = services.login(), services.login()
    services.accounts.sessions.end_by_refresh_token(ended.refresh_token, address="", now=NOW)
    services.refresh(open_session.refresh_token)
    for seconds in (60, 80 * 86400):
        services.admin.invites.create(seconds, actor=COMMAND_LINE, now=NOW)
        services.admin.tokens.issue("ann", {"chat:read"}, seconds, label="", actor=COMMAND_LINE, now=NOW)


@on_both
def test_deletes_what_ended_before_the_retention_time(services: AccountServices) -> None:
    make_history(services)
    before = row_counts(services)
    assert sum(prune(services.db, NOW + RETENTION - 1, RETENTION)) == 0
    assert row_counts(services) == before

    assert sum(prune(services.db, NOW + RETENTION + 61, RETENTION)) == before["audit_log"] + 4
    assert row_counts(services) == {"audit_log": 1, "sessions": 1, "refresh_tokens": 2, "invites": 1, "api_tokens": 1}
    (entry,) = services.admin.audit_log(None, 10)
    assert (entry.actor, entry.action) == ("server", "audit.prune")

    list(prune(services.db, NOW + RETENTION + 100 * DAY, RETENTION))
    assert row_counts(services) == {"audit_log": 1, "sessions": 0, "refresh_tokens": 0, "invites": 0, "api_tokens": 0}


def test_keeps_the_tokens_of_a_session_that_is_longer_than_the_retention_time(services: AccountServices) -> None:
    services = services.with_settings(refresh_idle_seconds=400 * 86400, refresh_absolute_seconds=400 * 86400)
    services.register()
    signed_in = services.login()
    first = services.refresh(signed_in.refresh_token)
    list(prune(services.db, NOW + 399 * DAY, 30 * DAY))
    with pytest.raises(BadToken):  # still recognised as a reused token
        services.refresh(signed_in.refresh_token, now=NOW + 399 * DAY)
    with pytest.raises(BadToken):
        services.authenticate(first.access_token)


@on_both
def test_deletes_many_rows_in_small_transactions(services: AccountServices) -> None:
    with services.db.write() as db:
        entry = {"at": NOW, "actor": "cli", "action": "x", "target": "", "address": "", "detail": ""}
        ids = [f"entry-{number}" for number in range(2 * MAX_ROWS_PER_TRANSACTION + 1)]
        db.execute(insert(audit_log), [{"id": id, **entry} for id in ids])
    steps = list(prune(services.db, NOW + RETENTION + 1, RETENTION))
    assert max(steps) == MAX_ROWS_PER_TRANSACTION
    assert sum(steps) == 2 * MAX_ROWS_PER_TRANSACTION + 1


class Enough(Exception):
    """Ends the endless loop."""


def test_runs_at_the_start_and_hourly_and_retries_sooner_when_the_database_is_unavailable() -> None:
    runs = iter([[3, 0], None, [1], []])
    pauses: list[float] = []

    def prune(now: float) -> Iterator[int]:
        rows = next(runs)
        if rows is None:
            raise DatabaseUnavailable
        yield from rows

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if pauses.count(INTERVAL_SECONDS) == 3:
            raise Enough

    with pytest.raises(Enough):
        asyncio.run(prune_hourly(prune, sleep))
    assert [seconds for seconds in pauses if seconds != PAUSE_SECONDS] == [
        INTERVAL_SECONDS,
        RETRY_SECONDS,
        INTERVAL_SECONDS,
        INTERVAL_SECONDS,
    ]
