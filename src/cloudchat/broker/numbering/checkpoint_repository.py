"""The checkpoints of the room logs in SQL: the newest position of each log that any process has seen.

They survive restarts of the processes and of the store. They reveal a store that was restored from an older copy, even
if every process was restarted in the meantime (see `high_water_marks.py`).
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import and_, or_, select

from cloudchat.broker.numbering.high_water_marks import Mark
from cloudchat.database.inserts import insert_into
from cloudchat.database.tables.rooms import log_checkpoints, rooms
from cloudchat.database.transactions import Database, Transaction

MAX_ROWS = 500
"""Rows of one statement. Each row on its own took 1.2 ms of CPU time, during which SQLite accepts no other writer."""


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
        ordered = sorted(marks.items())  # in one order, so that two processes cannot deadlock
        with self._db.write() as db:
            for start in range(0, len(ordered), MAX_ROWS):
                _save(db, ordered[start : start + MAX_ROWS])


def read_checkpoints(db: Transaction) -> dict[str, Mark]:
    """Return (epoch, seq) of every room that has a checkpoint."""
    rows = db.execute(select(log_checkpoints.c.room_id, log_checkpoints.c.epoch, log_checkpoints.c.seq))
    return {row.room_id: (row.epoch, row.seq) for row in rows}


def _save(db: Transaction, marks: Sequence[tuple[str, Mark]]) -> None:
    """Save checkpoints. The seq never decreases, in any order of writes."""
    existing = set(db.scalars(select(rooms.c.id).where(rooms.c.id.in_([room_id for room_id, _ in marks]))))
    rows = [{"room_id": room_id, "epoch": epoch, "seq": seq} for room_id, (epoch, seq) in marks if room_id in existing]
    if not rows:
        return
    statement = insert_into(db, log_checkpoints).values(rows)
    new, old = statement.excluded, log_checkpoints.c
    db.execute(
        statement.on_conflict_do_update(
            index_elements=[old.room_id],
            set_={"epoch": new.epoch, "seq": new.seq},
            where=or_(old.seq < new.seq, and_(old.seq == new.seq, old.epoch != new.epoch)),
        )
    )
