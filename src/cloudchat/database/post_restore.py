"""Invalidate the rows that must not be restored from a backup with the rest of the database."""

from sqlalchemy import delete, update

from cloudchat.database.audit import BY_COMMAND_LINE, record
from cloudchat.database.engine import create_engine
from cloudchat.database.models import LogCheckpoint, LoginSession
from cloudchat.database.transactions import Database


def invalidate(url: str, now: float, *, made_at: str) -> None:
    """End every session, and delete the log checkpoints: the rooms' logs start new epochs. Raises DatabaseUnavailable.

    Refresh tokens that were exchanged after the backup would be valid again. Anyone who has an old copy of one,
    including a thief, could sign in with it. So all users sign in again. `made_at` is the time of the backup.
    """
    db = Database(create_engine(url))
    try:
        with db.write() as transaction:
            open_sessions = update(LoginSession).where(LoginSession.ended_at.is_(None))
            transaction.execute(open_sessions.values(ended_at=now, ended_because="restored"))
            transaction.execute(delete(LogCheckpoint))
            record(transaction, now, BY_COMMAND_LINE, "backup.restore", detail=f"made_at={made_at}")
    finally:
        db.close()
