"""How far users have read rooms, in SQL."""

from collections.abc import Mapping

from sqlalchemy import select, tuple_

from cloudchat.core.stream_position import StreamPosition
from cloudchat.database.inserts import insert_into
from cloudchat.database.tables.rooms import read_positions, rooms
from cloudchat.database.transactions import Database, Transaction

UserAndRoom = tuple[str, str]
"""A user's id and a room's id."""


class ReadPositions:
    """The read positions of all users. Blocking: call it in a thread."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def advance(self, positions: Mapping[UserAndRoom, StreamPosition]) -> dict[UserAndRoom, int]:
        """Save positions where they are ahead, in one transaction. Return the seqs that are saved afterwards.

        A seq is never assigned twice, so the higher seq is ahead in any epoch: after a failover of the store, a late
        position of the earlier epoch must not move a marker back. Rooms that do not exist are left out.
        Raises `DatabaseUnavailable`; then none is saved.
        """
        with self._db.write() as db:
            return _advance(db, positions)

    def of_user(self, user_id: str) -> dict[str, StreamPosition]:
        """Return the positions of a user by room. Raises `DatabaseUnavailable`."""
        columns = read_positions.c.room_id, read_positions.c.epoch, read_positions.c.seq
        with self._db.read() as db:
            rows = db.execute(select(*columns).where(read_positions.c.user_id == user_id))
            return {room: StreamPosition(epoch, seq) for room, epoch, seq in rows}


def _advance(db: Transaction, positions: Mapping[UserAndRoom, StreamPosition]) -> dict[UserAndRoom, int]:
    existing = set(db.scalars(select(rooms.c.id).where(rooms.c.id.in_({room for _, room in positions}))))
    rows = [
        {"user_id": user, "room_id": room, "epoch": read.epoch, "seq": read.seq}
        for (user, room), read in sorted(positions.items())  # in one order, so that two processes cannot deadlock
        if room in existing
    ]
    if not rows:
        return {}
    statement = insert_into(db, read_positions).values(rows)
    new, old = statement.excluded, read_positions.c
    db.execute(
        statement.on_conflict_do_update(
            index_elements=[old.user_id, old.room_id],
            set_={"epoch": new.epoch, "seq": new.seq},
            where=old.seq < new.seq,
        )
    )
    keys = [(row["user_id"], row["room_id"]) for row in rows]
    saved = select(old.user_id, old.room_id, old.seq).where(tuple_(old.user_id, old.room_id).in_(keys))
    return {(user, room): seq for user, room, seq in db.execute(saved)}
