"""Rooms and memberships in SQL."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cloudchat.database.models import LogCheckpoint, Membership, ReadPosition, Room
from cloudchat.database.transactions import changed_rows

PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class RoomSummary:
    """A room as one of its users sees it. `read` is the seq read up to, in the numbering `read_epoch`; 0 is nothing."""

    id: str
    name: str
    kind: str
    read: int
    read_epoch: str


def rooms_of(db: Session, user_id: str) -> Sequence[RoomSummary]:
    """Every public room and every room the user is a member of, the oldest first."""
    query = (
        select(Room.id, Room.name, Room.kind, ReadPosition.seq, ReadPosition.epoch)
        .outerjoin(Membership, and_(Membership.room_id == Room.id, Membership.user_id == user_id))
        .outerjoin(ReadPosition, and_(ReadPosition.room_id == Room.id, ReadPosition.user_id == user_id))
        .where(or_(Room.kind == PUBLIC, Membership.user_id.is_not(None)))
        .order_by(Room.created_at, Room.id)
    )
    return [
        RoomSummary(id=room_id, name=name, kind=kind, read=seq or 0, read_epoch=epoch or "")
        for room_id, name, kind, seq, epoch in db.execute(query)
    ]


def log_checkpoints(db: Session) -> dict[str, tuple[str, int]]:
    """(epoch, seq) where each room's log has been seen to stand."""
    rows = db.execute(select(LogCheckpoint.room_id, LogCheckpoint.epoch, LogCheckpoint.seq))
    return {row.room_id: (row.epoch, row.seq) for row in rows}


def save_log_checkpoint(db: Session, room_id: str, epoch: str, seq: int) -> None:
    """Write a place down. Of two in one epoch the later one stays, whoever comes last."""
    known = update(LogCheckpoint).where(LogCheckpoint.room_id == room_id)
    if changed_rows(
        db, known.where(or_(LogCheckpoint.epoch != epoch, LogCheckpoint.seq < seq)).values(epoch=epoch, seq=seq)
    ):
        return
    if db.get(LogCheckpoint, room_id) is None and db.get(Room, room_id) is not None:
        # Another process may write its first place at this instant: its one will do, ours comes with the next news.
        with contextlib.suppress(IntegrityError), db.begin_nested():
            db.add(LogCheckpoint(room_id=room_id, epoch=epoch, seq=seq))
