"""Invalidate the rows that must not be restored from a backup with the rest of the database.

And read what a replaced database knows: which numbers of events were assigned, and who was erased.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from cloudchat.database.audit import BY_COMMAND_LINE, record
from cloudchat.database.engine import create_engine
from cloudchat.database.tables.accounts import sessions, users
from cloudchat.database.tables.archive import archive_heads
from cloudchat.database.tables.rooms import log_checkpoints, rooms
from cloudchat.database.transactions import Database, Transaction

logger = logging.getLogger(__name__)

VERSIONS_TO_SKIP = 1000
"""More changes than a room can have between the moment when its row was copied and the one when its log was."""


def assigned_seqs(url: str) -> dict[str, int]:
    """Return for each room the highest seq that a database knows to be assigned; {} if it cannot be read.

    A restore replaces a database that is damaged, or empty, as well.
    """
    engine = create_engine(url)
    known: dict[str, int] = {}
    try:
        with engine.connect() as connection:
            for table in (log_checkpoints, archive_heads):
                for room_id, seq in connection.execute(select(table.c.room_id, table.c.seq)):
                    known[room_id] = max(seq, known.get(room_id, 0))
    except SQLAlchemyError as error:  # an older schema has no archive
        logger.info("the replaced database cannot be read completely: %s", type(error).__name__)
    finally:
        engine.dispose()
    return known


def erased_users(url: str) -> list[str]:
    """Return the ids of the users whose erasure was ordered; [] if the database cannot be read."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return list(connection.scalars(select(users.c.id).where(users.c.erased_at.is_not(None))))
    except SQLAlchemyError as error:  # an older schema has no erasures
        logger.info("the erasures of the replaced database cannot be read: %s", type(error).__name__)
        return []
    finally:
        engine.dispose()


def users_to_erase(transaction: Transaction, erased: Iterable[str]) -> Sequence[str]:
    """Return those of the users who exist and are not erased."""
    return transaction.scalars(select(users.c.id).where(users.c.id.in_(erased), users.c.erased_at.is_(None))).all()


def invalidate(url: str, now: float, *, made_at: str, assigned: Mapping[str, int]) -> None:
    """End every session, and raise the log checkpoints to the seqs that were assigned. Raises DatabaseUnavailable.

    Refresh tokens that were exchanged after the backup would be valid again. Anyone who has an old copy of one,
    including a thief, could sign in with it. So all users sign in again. `made_at` is the time of the backup.

    The numbering of each room continues above the seqs in `assigned`, as far as they are known: a seq is never assigned
    twice in a room. The servers compare the checkpoints with the logs when they start.

    Rooms skip some versions: the restored log can have notices of changes that the restored rows do not have. A later
    change with the same version would have the same cid, and its notice would be rejected as a repetition.
    """
    db = Database(create_engine(url))
    try:
        with db.write() as transaction:
            open_sessions = update(sessions).where(sessions.c.ended_at.is_(None))
            transaction.execute(open_sessions.values(ended_at=now, ended_because="restored"))
            _raise_checkpoints(transaction, assigned)
            transaction.execute(update(rooms).values(version=rooms.c.version + VERSIONS_TO_SKIP))
            record(transaction, now, BY_COMMAND_LINE, "backup.restore", detail=f"made_at={made_at}")
    finally:
        db.close()


def _raise_checkpoints(transaction: Transaction, assigned: Mapping[str, int]) -> None:
    known = set(transaction.scalars(select(log_checkpoints.c.room_id)))
    for room_id in transaction.scalars(select(rooms.c.id)).all():
        seq = assigned.get(room_id, 0)
        if room_id not in known and seq:
            transaction.execute(insert(log_checkpoints).values(room_id=room_id, epoch="", seq=seq))
        elif room_id in known:
            is_lower = log_checkpoints.c.room_id == room_id, log_checkpoints.c.seq < seq
            transaction.execute(update(log_checkpoints).where(*is_lower).values(seq=seq))
