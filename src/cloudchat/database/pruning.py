"""Delete old audit entries, sessions, invites and API tokens, which would otherwise grow forever."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, func, or_, select

from cloudchat.database.audit import BY_SERVER, record
from cloudchat.database.tables.accounts import api_tokens, audit_log, invites, refresh_tokens, sessions
from cloudchat.database.transactions import Database, DatabaseUnavailable, changed_rows

logger = logging.getLogger(__name__)

MAX_ROWS_PER_TRANSACTION = 500
"""On SQLite all other writers wait for a transaction, so it must end within milliseconds."""
INTERVAL_SECONDS = 3600.0
RETRY_SECONDS = 600.0
PAUSE_SECONDS = 0.05
"""Between two transactions other writers get the lock."""

Prune = Callable[[float], Iterator[int]]
"""Takes the current time. Each step of the iterator blocks for one transaction and yields the deleted rows."""


async def prune_hourly(prune: Prune, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
    """Prune at the start and every hour, forever. While the database is unavailable, retry every ten minutes."""
    while True:
        deleted = 0
        try:
            steps = prune(time.time())
            while (rows := await asyncio.to_thread(next, steps, None)) is not None:
                deleted += rows
                await sleep(PAUSE_SECONDS)
        except DatabaseUnavailable:
            logger.warning("pruning is interrupted: the database does not answer rows=%d", deleted)
            await sleep(RETRY_SECONDS)
            continue
        if deleted:
            logger.info("pruned old entries rows=%d", deleted)
        await sleep(INTERVAL_SECONDS)


def prune(db: Database, now: float, retention_seconds: float) -> Iterator[int]:
    """Delete rows that ended more than `retention_seconds` ago. Each step is a small transaction; yields its row count.

    Several processes may prune concurrently. Raises DatabaseUnavailable; the next run deletes the rest.
    """
    before = now - retention_seconds
    pruned = 0
    for deleted in _delete(db, audit_log, audit_log.c.at < before):
        pruned += deleted
        yield deleted
    if pruned:  # without an entry of its own, a shortened log would look tampered with
        with db.write() as writing:
            detail = f"entries={pruned} older_than_days={retention_seconds / 86400:g}"
            record(writing, now, BY_SERVER, "audit.prune", detail=detail)

    # Separate conditions, each with its index. A session's idle end is never later than its absolute end.
    yield from _delete_sessions(db, sessions.c.ended_at < before)
    yield from _delete_sessions(db, sessions.c.ended_at.is_(None) & (sessions.c.idle_expires_at < before))
    yield from _delete(db, invites, func.coalesce(invites.c.used_at, invites.c.expires_at) < before)
    yield from _delete(db, api_tokens, or_(api_tokens.c.revoked_at < before, api_tokens.c.expires_at < before))


def _delete_sessions(db: Database, condition: ColumnElement[bool]) -> Iterator[int]:
    while True:
        with db.read() as reading:
            ids = reading.scalars(select(sessions.c.id).where(condition).limit(MAX_ROWS_PER_TRANSACTION)).all()
        if not ids:
            return
        # Separately: a session can have thousands of refresh tokens, which would be deleted with it in one transaction.
        yield from _delete(db, refresh_tokens, refresh_tokens.c.session_id.in_(ids))
        yield from _delete(db, sessions, sessions.c.id.in_(ids))


def _delete(db: Database, table: Table[Any], condition: ColumnElement[bool]) -> Iterator[int]:
    (key,) = table.primary_key
    batch = select(key).where(condition).limit(MAX_ROWS_PER_TRANSACTION)
    statement = delete(table).where(key.in_(batch))
    deleted = MAX_ROWS_PER_TRANSACTION
    while deleted == MAX_ROWS_PER_TRANSACTION:
        with db.write() as writing:
            deleted = changed_rows(writing, statement)
        yield deleted
