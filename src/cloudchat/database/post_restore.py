"""What must not be taken over from the past when a database comes out of a backup."""

from sqlalchemy import delete, update

from cloudchat.database.audit import record
from cloudchat.database.engine import create_engine
from cloudchat.database.models import LogCheckpoint, LoginSession
from cloudchat.database.transactions import Database

_BY = "cli"


def invalidate(url: str, now: float, *, made_at: str) -> None:
    """End every session, and forget where the rooms' logs stood, which begin new epochs. Raises DatabaseUnavailable.

    Refresh tokens that have been exchanged since the backup would be good again: whoever holds an old copy of one, a
    thief too, would be signed in. All users sign in again.
    """
    db = Database(create_engine(url))
    try:
        with db.write() as transaction:
            going_on = update(LoginSession).where(LoginSession.ended_at.is_(None))
            transaction.execute(going_on.values(ended_at=now, ended_because="restored"))
            transaction.execute(delete(LogCheckpoint))
            record(transaction, now, _BY, "backup.restore", detail=f"made_at={made_at}")
    finally:
        db.close()
