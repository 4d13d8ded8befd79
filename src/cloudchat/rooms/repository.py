"""Rooms and memberships in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from cloudchat.database.models import Membership, ReadPosition, Room

PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class RoomSummary:
    """A room as one of its users sees it: `read_seq` is the last seq that they have read (0: none), in `read_epoch`."""

    id: str
    name: str
    kind: str
    read_seq: int
    read_epoch: str


def rooms_of(db: Session, user_id: str) -> Sequence[RoomSummary]:
    """Return every public room and every room that the user is a member of, the oldest first."""
    query = (
        select(Room.id, Room.name, Room.kind, ReadPosition.seq, ReadPosition.epoch)
        .outerjoin(Membership, and_(Membership.room_id == Room.id, Membership.user_id == user_id))
        .outerjoin(ReadPosition, and_(ReadPosition.room_id == Room.id, ReadPosition.user_id == user_id))
        .where(or_(Room.kind == PUBLIC, Membership.user_id.is_not(None)))
        .order_by(Room.created_at, Room.id)
    )
    return [
        RoomSummary(id=room_id, name=name, kind=kind, read_seq=seq or 0, read_epoch=epoch or "")
        for room_id, name, kind, seq, epoch in db.execute(query)
    ]
