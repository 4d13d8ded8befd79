"""What has been dead for long is deleted: audit entries, sessions, invites, API tokens. Or the tables grow for ever."""

from collections.abc import Iterator

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from cloudchat.database.audit import BY_SERVER, record
from cloudchat.database.models import ApiToken, AuditEntry, Invite, LoginSession, RefreshToken
from cloudchat.database.statements import changed_rows
from cloudchat.database.transactions import Database

BATCH = 500
"""Rows of one transaction: on SQLite nobody else writes meanwhile, so it has to be over in milliseconds."""


def prune(db: Database, now: float, kept_seconds: float) -> Iterator[int]:
    """Delete what has been dead for longer than `kept_seconds`. Each step is one small transaction; yields its rows.

    Several processes may do so at once. Raises DatabaseUnavailable; then the rest is left for the next time.
    """
    before = now - kept_seconds
    pruned = 0
    for deleted in _delete(db, AuditEntry.id, AuditEntry.at < before):
        pruned += deleted
        yield deleted
    if pruned:  # a log that got shorter without a word would look tampered with
        with db.write() as writing:
            detail = f"entries={pruned} older_than_days={kept_seconds / 86400:g}"
            record(writing, now, BY_SERVER, "audit.prune", detail=detail)

    ended = or_(LoginSession.ended_at < before, LoginSession.expires_at < before, LoginSession.idle_expires_at < before)
    dead_sessions = select(LoginSession.id).where(ended)
    # By themselves: a session may have thousands, which would all go with it in one step.
    yield from _delete(db, RefreshToken.token_hash, RefreshToken.session_id.in_(dead_sessions))
    yield from _delete(db, LoginSession.id, ended)
    yield from _delete(db, Invite.token_hash, func.coalesce(Invite.used_at, Invite.expires_at) < before)
    yield from _delete(db, ApiToken.id, or_(ApiToken.revoked_at < before, ApiToken.expires_at < before))


def _delete(db: Database, key: InstrumentedAttribute[str], dead: ColumnElement[bool]) -> Iterator[int]:
    some = select(key).where(dead).limit(BATCH)
    statement = delete(key.class_).where(key.in_(some)).execution_options(synchronize_session=False)
    deleted = BATCH
    while deleted == BATCH:
        with db.write() as writing:
            deleted = changed_rows(writing, statement)
        yield deleted
