"""The checkpoints of the room logs in SQL: the newest position of each log that any process has seen.

They survive restarts of the processes and of the store. They reveal a store that was restored from an older copy, even
if every process was restarted in the meantime (see `high_water_marks.py`).
"""

import contextlib
from collections.abc import Mapping

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cloudchat.broker.high_water_marks import Mark
from cloudchat.database.models import LogCheckpoint, Room
from cloudchat.database.transactions import Database, changed_rows


class LogCheckpoints:
    """The high-water marks of all processes, by room id: (epoch, seq). Blocking: call it in a thread."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def load(self) -> dict[str, Mark]:
        """Return every checkpoint. Raises `DatabaseUnavailable`."""
        with self._db.read() as db:
            return read_checkpoints(db)

    def save(self, marks: Mapping[str, Mark]) -> None:
        """Save high-water marks in one transaction. Raises `DatabaseUnavailable`: then none of them is saved."""
        with self._db.write() as db:
            for room_id, (epoch, seq) in marks.items():
                save_checkpoint(db, room_id, epoch, seq)


def read_checkpoints(db: Session) -> dict[str, Mark]:
    """Return (epoch, seq) of every room that has a checkpoint."""
    rows = db.execute(select(LogCheckpoint.room_id, LogCheckpoint.epoch, LogCheckpoint.seq))
    return {row.room_id: (row.epoch, row.seq) for row in rows}


def save_checkpoint(db: Session, room_id: str, epoch: str, seq: int) -> None:
    """Save the checkpoint of a room. Within one epoch the seq never decreases, in any order of writes."""
    existing = update(LogCheckpoint).where(LogCheckpoint.room_id == room_id)
    if changed_rows(
        db, existing.where(or_(LogCheckpoint.epoch != epoch, LogCheckpoint.seq < seq)).values(epoch=epoch, seq=seq)
    ):
        return
    if db.get(LogCheckpoint, room_id) is None and db.get(Room, room_id) is not None:
        # Another process may insert the room's first checkpoint at the same moment. Its checkpoint is enough: ours is
        # saved as soon as this process sees a newer event.
        with contextlib.suppress(IntegrityError), db.begin_nested():
            db.add(LogCheckpoint(room_id=room_id, epoch=epoch, seq=seq))
