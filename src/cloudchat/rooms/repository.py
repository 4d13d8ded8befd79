"""Rooms and memberships in SQL."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select
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


def rooms_of_users(db: Session, user_ids: Collection[str]) -> Mapping[str, Mapping[str, RoomSummary]]:
    """Return for each user, by room, every public room and every one that they are a member of, the oldest first.

    Three queries, however many users there are. Users without memberships and read positions share one mapping.
    """
    order = Room.created_at, Room.id
    columns = Room.created_at, Room.id, Room.name, Room.kind
    rows = db.execute(select(*columns).where(Room.kind == PUBLIC).order_by(*order))
    public = [(created_at, id, name, kind) for created_at, id, name, kind in rows]
    memberships = select(Membership.user_id, *columns).join(Room, Room.id == Membership.room_id)
    private: dict[str, list[tuple[float, str, str, str]]] = {}
    for user_id, created_at, id, name, kind in db.execute(
        memberships.where(Membership.user_id.in_(user_ids), Room.kind != PUBLIC)
    ):
        private.setdefault(user_id, []).append((created_at, id, name, kind))
    positions: dict[str, dict[str, tuple[int, str]]] = {}
    read = select(ReadPosition.user_id, ReadPosition.room_id, ReadPosition.seq, ReadPosition.epoch)
    for user_id, room_id, seq, epoch in db.execute(read.where(ReadPosition.user_id.in_(user_ids))):
        positions.setdefault(user_id, {})[room_id] = seq, epoch
    without_state = _summaries(public, {})
    return {
        user_id: _summaries(sorted([*public, *private.get(user_id, [])]), positions.get(user_id, {}))
        if user_id in private or user_id in positions
        else without_state
        for user_id in user_ids
    }


def _summaries(
    rooms: Iterable[tuple[float, str, str, str]], positions: Mapping[str, tuple[int, str]]
) -> Mapping[str, RoomSummary]:
    unread = 0, ""
    return {id: RoomSummary(id, name, kind, *positions.get(id, unread)) for _, id, name, kind in rooms}
