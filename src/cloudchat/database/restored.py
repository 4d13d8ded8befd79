"""What must not be taken over from the past when a database comes out of a backup."""

from sqlalchemy import update

from cloudchat.database.audit import record
from cloudchat.database.engine import create_engine
from cloudchat.database.models import LoginSession, Model
from cloudchat.database.transactions import Database

_BY = "cli"
_TOLD_BY_THE_STORE = {"log_places"}


def begin_anew(url: str, now: float, *, made_at: str) -> None:
    """End every session, and forget where the rooms' logs stood, which begin new epochs. Raises DatabaseUnavailable.

    Refresh tokens that have been exchanged since the backup would be good again: whoever holds an old copy of one, a
    thief too, would be signed in. All users sign in again.
    """
    db = Database(create_engine(url))
    try:
        with db.write() as transaction:
            going_on = update(LoginSession).where(LoginSession.ended_at.is_(None))
            transaction.execute(going_on.values(ended_at=now, ended_because="restored"))
            for name in _TOLD_BY_THE_STORE & Model.metadata.tables.keys():
                transaction.execute(Model.metadata.tables[name].delete())
            record(transaction, now, _BY, "backup.restore", detail=f"made_at={made_at}")
    finally:
        db.close()
