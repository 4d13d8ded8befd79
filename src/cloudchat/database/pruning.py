"""Delete old audit entries, sessions, invites and API tokens, which would otherwise grow forever."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from cloudchat.database.audit import BY_SERVER, record
from cloudchat.database.models import ApiToken, AuditEntry, Invite, LoginSession, RefreshToken
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
    for deleted in _delete(db, AuditEntry.id, AuditEntry.at < before):
        pruned += deleted
        yield deleted
    if pruned:  # without an entry of its own, a shortened log would look tampered with
        with db.write() as writing:
            detail = f"entries={pruned} older_than_days={retention_seconds / 86400:g}"
            record(writing, now, BY_SERVER, "audit.prune", detail=detail)

    # Separate conditions, each with its index. A session's idle end is never later than its absolute end.
    yield from _delete_sessions(db, LoginSession.ended_at < before)
    yield from _delete_sessions(db, LoginSession.ended_at.is_(None) & (LoginSession.idle_expires_at < before))
    yield from _delete(db, Invite.token_hash, func.coalesce(Invite.used_at, Invite.expires_at) < before)
    yield from _delete(db, ApiToken.id, or_(ApiToken.revoked_at < before, ApiToken.expires_at < before))


def _delete_sessions(db: Database, condition: ColumnElement[bool]) -> Iterator[int]:
    while True:
        with db.read() as reading:
            ids = reading.scalars(select(LoginSession.id).where(condition).limit(MAX_ROWS_PER_TRANSACTION)).all()
        if not ids:
            return
        # Separately: a session can have thousands of refresh tokens, which would be deleted with it in one transaction.
        yield from _delete(db, RefreshToken.token_hash, RefreshToken.session_id.in_(ids))
        yield from _delete(db, LoginSession.id, LoginSession.id.in_(ids))


def _delete(db: Database, key: InstrumentedAttribute[str], condition: ColumnElement[bool]) -> Iterator[int]:
    batch = select(key).where(condition).limit(MAX_ROWS_PER_TRANSACTION)
    statement = delete(key.class_).where(key.in_(batch)).execution_options(synchronize_session=False)
    deleted = MAX_ROWS_PER_TRANSACTION
    while deleted == MAX_ROWS_PER_TRANSACTION:
        with db.write() as writing:
            deleted = changed_rows(writing, statement)
        yield deleted
