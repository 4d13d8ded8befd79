"""SQL queries for the changes of rooms and for the outbox of notices."""

import uuid
from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import delete, insert, select, update

from cloudchat.database.inserts import insert_into
from cloudchat.database.tables.rooms import room_changes, room_notices, rooms
from cloudchat.database.transactions import Transaction, changed_rows

_NOTICES = uuid.UUID("f5f9b3a2-8f0e-4c5a-9d57-2f0c5b0f6f11")


class RoomChange(Struct, frozen=True):
    """The version of a room at its last change that concerns one user, or (`user_id` empty) all its members."""

    room_id: str
    user_id: str
    version: int


class PendingNotice(Struct, frozen=True):
    """A notice to append to the room's log. `body` is the JSON of `protocol.logged_events.NoticeBody`.

    The cid is the same for every process, which makes a repeated append harmless. `at` is in seconds since 1970.
    """

    room_id: str
    version: int
    body: bytes
    at: float

    @property
    def cid(self) -> str:
        """The cid, the same in every process that appends this notice."""
        return str(uuid.uuid5(_NOTICES, f"{self.room_id} {self.version}"))


def store_change(db: Transaction, room_id: str, user_id: str, version: int, now: float) -> None:
    """Store the version of a change that concerns a user, or all members (""). The room must be locked."""
    new = insert_into(db, room_changes).values(room_id=room_id, user_id=user_id, version=version, at=now)
    key = [room_changes.c.room_id, room_changes.c.user_id]
    db.execute(new.on_conflict_do_update(index_elements=key, set_={"version": version, "at": now}))


def changes_since(db: Transaction, since: float) -> list[RoomChange]:
    """Return the changes at or after `since`, in the order of their versions."""
    query = select(room_changes.c.room_id, room_changes.c.user_id, room_changes.c.version).where(
        room_changes.c.at >= since
    )
    return [RoomChange(*row) for row in db.execute(query.order_by(room_changes.c.version))]


def changes_after(db: Transaction, room_id: str, version: int) -> list[RoomChange]:
    """Return the changes of one room after a version, in the order of their versions."""
    query = select(room_changes.c.room_id, room_changes.c.user_id, room_changes.c.version)
    query = query.where(room_changes.c.room_id == room_id, room_changes.c.version > version)
    return [RoomChange(*row) for row in db.execute(query.order_by(room_changes.c.version))]


def raise_version(db: Transaction, room_id: str, version: int) -> None:
    """Raise the version of a room to at least this one."""
    db.execute(update(rooms).where(rooms.c.id == room_id, rooms.c.version < version).values(version=version))


def add_notice(db: Transaction, room_id: str, version: int, body: bytes, now: float) -> None:
    """Put a notice into the outbox."""
    row = {"room_id": room_id, "version": version, "body": body.decode(), "at": now}
    db.execute(insert(room_notices).values(row))


def pending_notices(db: Transaction, room_id: str | None, limit: int) -> Sequence[PendingNotice]:
    """Return notices of the outbox, of one room or of all. Those of a room are in the order of their versions."""
    query = select(room_notices).order_by(room_notices.c.room_id, room_notices.c.version).limit(limit)
    if room_id is not None:
        query = query.where(room_notices.c.room_id == room_id)
    return [PendingNotice(row.room_id, row.version, row.body.encode(), row.at) for row in db.execute(query)]


def delete_notice(db: Transaction, room_id: str, version: int) -> bool:
    """Delete a notice from the outbox. Return False if another process has deleted it."""
    this = room_notices.c.room_id == room_id, room_notices.c.version == version
    return changed_rows(db, delete(room_notices).where(*this)) == 1
