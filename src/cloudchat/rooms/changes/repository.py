"""SQL queries for the changes of rooms and for the outbox of notices."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from cloudchat.database.models import Room
from cloudchat.database.models import RoomChange as ChangeRow
from cloudchat.database.models import RoomNotice as NoticeRow
from cloudchat.database.transactions import changed_rows

_NOTICES = uuid.UUID("f5f9b3a2-8f0e-4c5a-9d57-2f0c5b0f6f11")


@dataclass(frozen=True, slots=True)
class RoomChange:
    """The version of a room at its last change that concerns one user, or (`user_id` empty) all its members."""

    room_id: str
    user_id: str
    version: int


@dataclass(frozen=True, slots=True)
class PendingNotice:
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


def store_change(db: Session, room_id: str, user_id: str, version: int, now: float) -> None:
    """Store the version of a change that concerns a user, or all members (""). The room must be locked."""
    row = db.get(ChangeRow, (room_id, user_id))
    if row is None:
        db.add(ChangeRow(room_id=room_id, user_id=user_id, version=version, at=now))
    else:
        row.version, row.at = version, now
    db.flush()  # a second change in the same transaction must find the row


def changes_since(db: Session, since: float) -> list[RoomChange]:
    """Return the changes at or after `since`, in the order of their versions."""
    query = select(ChangeRow.room_id, ChangeRow.user_id, ChangeRow.version).where(ChangeRow.at >= since)
    return [RoomChange(*row) for row in db.execute(query.order_by(ChangeRow.version))]


def changes_after(db: Session, room_id: str, version: int) -> list[RoomChange]:
    """Return the changes of one room after a version, in the order of their versions."""
    query = select(ChangeRow.room_id, ChangeRow.user_id, ChangeRow.version)
    query = query.where(ChangeRow.room_id == room_id, ChangeRow.version > version)
    return [RoomChange(*row) for row in db.execute(query.order_by(ChangeRow.version))]


def raise_version(db: Session, room_id: str, version: int) -> None:
    """Raise the version of a room to at least this one."""
    db.execute(update(Room).where(Room.id == room_id, Room.version < version).values(version=version))


def add_notice(db: Session, room_id: str, version: int, body: bytes, now: float) -> None:
    """Put a notice into the outbox."""
    db.add(NoticeRow(room_id=room_id, version=version, body=body.decode(), at=now))


def pending_notices(db: Session, room_id: str | None, limit: int) -> Sequence[PendingNotice]:
    """Return notices of the outbox, of one room or of all. Those of a room are in the order of their versions."""
    query = select(NoticeRow).order_by(NoticeRow.room_id, NoticeRow.version).limit(limit)
    if room_id is not None:
        query = query.where(NoticeRow.room_id == room_id)
    return [PendingNotice(row.room_id, row.version, row.body.encode(), row.at) for row in db.scalars(query)]


def delete_notice(db: Session, room_id: str, version: int) -> bool:
    """Delete a notice from the outbox. Return False if another process has deleted it."""
    return changed_rows(db, delete(NoticeRow).where(NoticeRow.room_id == room_id, NoticeRow.version == version)) == 1
