"""SQL queries for the members of rooms."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudchat.database.models import Membership, User
from cloudchat.database.name_keys import begins_with


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a room. `name_key` is the place in the list; `joined_at` is in seconds since 1970."""

    id: str
    name: str
    role: str
    joined_at: float
    name_key: str


def members(db: Session, room_id: str, beginning: str, after: str | None, limit: int) -> list[Member]:
    """Return a page of the members whose name key begins with `beginning`, by name."""
    query = (
        select(User.id, User.name, Membership.role, Membership.joined_at, User.name_key)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.room_id == room_id)
        .order_by(User.name_key)
        .limit(limit)
    )
    if beginning:
        query = query.where(begins_with(User.name_key, beginning))
    if after is not None:
        query = query.where(User.name_key > after)
    return [Member(*row) for row in db.execute(query)]


def add_member(db: Session, room_id: str, user_id: str, role: str, now: float) -> Membership:
    """Insert a membership."""
    member = Membership(room_id=room_id, user_id=user_id, role=role, joined_at=now, muted=False)
    db.add(member)
    return member


def delete_member(db: Session, member: Membership) -> None:
    """Delete a membership."""
    db.delete(member)
