"""Invalidate the rows that must not be restored from a backup with the rest of the database."""

from sqlalchemy import delete, update

from cloudchat.database.audit import BY_COMMAND_LINE, record
from cloudchat.database.engine import create_engine
from cloudchat.database.models import LogCheckpoint, LoginSession, Room
from cloudchat.database.transactions import Database

VERSIONS_TO_SKIP = 1000
"""More changes than a room can have between the moment when its row was copied and the one when its log was."""


def invalidate(url: str, now: float, *, made_at: str) -> None:
    """End every session, and delete the log checkpoints: the rooms' logs start new epochs. Raises DatabaseUnavailable.

    Refresh tokens that were exchanged after the backup would be valid again. Anyone who has an old copy of one,
    including a thief, could sign in with it. So all users sign in again. `made_at` is the time of the backup.

    Rooms skip some versions: the restored log can have notices of changes that the restored rows do not have. A later
    change with the same version would have the same cid, and its notice would be rejected as a repetition.
    """
    db = Database(create_engine(url))
    try:
        with db.write() as transaction:
            open_sessions = update(LoginSession).where(LoginSession.ended_at.is_(None))
            transaction.execute(open_sessions.values(ended_at=now, ended_because="restored"))
            transaction.execute(delete(LogCheckpoint))
            transaction.execute(update(Room).values(version=Room.version + VERSIONS_TO_SKIP))
            record(transaction, now, BY_COMMAND_LINE, "backup.restore", detail=f"made_at={made_at}")
    finally:
        db.close()
