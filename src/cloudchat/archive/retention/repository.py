"""SQL queries for messages that are too old."""

from collections.abc import Sequence

from sqlalchemy import delete, select

from cloudchat.database.tables.archive import archive_heads, archived_edits, archived_events, archived_reactions
from cloudchat.database.tables.rooms import rooms
from cloudchat.database.transactions import Transaction, changed_rows


def rooms_with_own_limit(db: Transaction) -> dict[str, int]:
    """Return after how many days the messages of a room are deleted, by room id, where the room has a limit."""
    limited = select(rooms.c.id, rooms.c.retention_days).where(rooms.c.retention_days > 0)
    return {row.id: row.retention_days for row in db.execute(limited)}


def archived_rooms(db: Transaction) -> Sequence[str]:
    """Return the ids of the rooms that have something in the archive."""
    return db.scalars(select(archive_heads.c.room_id)).all()


def last_expired_seq(db: Transaction, room_id: str, first_kept_id: int, limit: int) -> int:
    """Return the seq of the last of the oldest `limit` events that are too old, 0 if none is.

    The events of a room are in the order of their times, so that the first one that is young enough ends the search.
    """
    events = archived_events.c
    oldest = select(events.seq, events.id).where(events.room_id == room_id).order_by(events.seq).limit(limit)
    last = 0
    for seq, id in db.execute(oldest):
        if id >= first_kept_id:
            break
        last = seq
    return last


def first_seq_after(db: Transaction, room_id: str, seq: int) -> int:
    """Return the seq of the next archived event; without one, that of the event that follows the archive."""
    events = archived_events.c
    following = select(events.seq).where(events.room_id == room_id, events.seq > seq).order_by(events.seq).limit(1)
    found = db.scalar(following)
    if found is None:
        head = db.scalar(select(archive_heads.c.seq).where(archive_heads.c.room_id == room_id))
        found = (head or seq) + 1
    return found


def delete_events_up_to(db: Transaction, room_id: str, seq: int) -> int:
    """Delete a room's oldest events with their reactions and earlier texts. Return how many events there were."""
    for table in (archived_reactions, archived_edits):
        db.execute(delete(table).where(table.c.room_id == room_id, table.c.seq <= seq))
    expired = delete(archived_events).where(archived_events.c.room_id == room_id, archived_events.c.seq <= seq)
    return changed_rows(db, expired)
