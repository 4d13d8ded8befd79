"""SQL queries for the members of rooms."""

from collections.abc import Collection, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, delete, exists, insert, select, update

from cloudchat.database.lobby import LOBBY
from cloudchat.database.tables.accounts import users
from cloudchat.database.tables.columns import begins_with
from cloudchat.database.tables.rooms import Membership, memberships, rooms
from cloudchat.database.transactions import Transaction
from cloudchat.rooms.permissions import Kind


class Member(Struct, frozen=True):
    """A member of a room. `name_key` is the place in the list; `joined_at` is in seconds since 1970."""

    id: str
    name: str
    role: str
    joined_at: float
    name_key: str


def members(db: Transaction, room_id: str, beginning: str, after: str | None, limit: int) -> list[Member]:
    """Return a page of the members whose name key begins with `beginning`, by name.

    A join reads and sorts all members for each page, which took 4.8 ms of a core for 5,000 of 20,000 users. In a room
    that has a large part of all users, the page is found sooner by walking through the users by name.
    """
    member_count = db.scalar(select(rooms.c.member_count).where(rooms.c.id == room_id)) or 0
    user_count = db.scalar(select(rooms.c.member_count).where(rooms.c.id == LOBBY)) or 0
    # The walk reads about limit * user_count / member_count users, the join member_count of them.
    if limit * user_count < member_count**2:
        return _members_by_walk(db, room_id, beginning, after, limit)
    query = select(users.c.id, users.c.name, memberships.c.role, memberships.c.joined_at, users.c.name_key)
    query = query.join(memberships, memberships.c.user_id == users.c.id).where(memberships.c.room_id == room_id)
    return [Member(*row) for row in db.execute(_page(query, beginning, after, limit))]


def _members_by_walk(db: Transaction, room_id: str, beginning: str, after: str | None, limit: int) -> list[Member]:
    is_member = exists().where(memberships.c.room_id == room_id, memberships.c.user_id == users.c.id)
    query = select(users.c.id, users.c.name, users.c.name_key).where(is_member)
    found = db.execute(_page(query, beginning, after, limit)).all()
    of_page = memberships.c.room_id == room_id, memberships.c.user_id.in_([user.id for user in found])
    roles = {
        user_id: (role, joined_at)
        for user_id, role, joined_at in db.execute(
            select(memberships.c.user_id, memberships.c.role, memberships.c.joined_at).where(*of_page)
        )
    }
    return [Member(id, name, *roles[id], name_key) for id, name, name_key in found if id in roles]


def _page(query: Select[*tuple[Any, ...]], beginning: str, after: str | None, limit: int) -> Select[*tuple[Any, ...]]:
    if beginning:
        query = query.where(begins_with(users.c.name_key, beginning))
    if after is not None:
        query = query.where(users.c.name_key > after)
    return query.order_by(users.c.name_key).limit(limit)


class RoomMember(Struct, frozen=True):
    """A user who is in a room."""

    room_id: str
    user_id: str
    user_name: str


def room_members(db: Transaction, room_id: str) -> list[RoomMember]:
    """Return all members of a room, by name."""
    query = _room_members().where(memberships.c.room_id == room_id).order_by(users.c.name_key)
    return [RoomMember(room, user, name) for room, user, name in db.execute(query)]


def member_ids_by_name_key(db: Transaction, room_id: str, keys: Collection[str]) -> dict[str, str]:
    """Return the ids of the members of a room that have one of these name keys, by the key."""
    query = select(users.c.name_key, users.c.id).join(memberships, memberships.c.user_id == users.c.id)
    rows = db.execute(query.where(memberships.c.room_id == room_id, users.c.name_key.in_(keys)))
    return {key: id for key, id in rows}  # noqa: C416 — dict(rows) would take it for a mapping


def memberships_in_small_rooms(db: Transaction, user_ids: Collection[str], max_members: int) -> list[RoomMember]:
    """Return the memberships of users in rooms with at most `max_members`."""
    query = _room_members().join(rooms, rooms.c.id == memberships.c.room_id)
    query = query.where(memberships.c.user_id.in_(user_ids), rooms.c.member_count <= max_members)
    return [RoomMember(room, user, name) for room, user, name in db.execute(query)]


def _room_members() -> Select[str, str, str]:
    return select(memberships.c.room_id, users.c.id, users.c.name).join(users, users.c.id == memberships.c.user_id)


def add_member(db: Transaction, room_id: str, user_id: str, role: str, now: float) -> Membership:
    """Insert a membership."""
    member = Membership(room_id=room_id, user_id=user_id, role=role, joined_at=now)
    db.execute(insert(memberships).values(member._asdict()))
    return member


def set_role(db: Transaction, member: Membership, role: str) -> Membership:
    """Change the role of a member of a locked room. Return the changed membership."""
    db.execute(update(memberships).where(*_is(member)).values(role=role))
    return member._replace(role=role)


def set_muted(db: Transaction, member: Membership, muted: bool) -> Membership:
    """Switch a member's notifications off or on. Return the changed membership."""
    db.execute(update(memberships).where(*_is(member)).values(muted=muted))
    return member._replace(muted=muted)


def delete_member(db: Transaction, member: Membership) -> None:
    """Delete a membership."""
    db.execute(delete(memberships).where(*_is(member)))


def _is(member: Membership) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return memberships.c.room_id == member.room_id, memberships.c.user_id == member.user_id


def direct_rooms_of(db: Transaction, user_id: str) -> Sequence[str]:
    """Return the direct rooms of a user."""
    return db.scalars(_rooms_of(user_id).where(rooms.c.kind == Kind.DIRECT)).all()


def rooms_to_leave(db: Transaction, user_id: str) -> Sequence[str]:
    """Return the rooms that a user can leave: all but the lobby and direct rooms."""
    return db.scalars(_rooms_of(user_id).where(rooms.c.id != LOBBY, rooms.c.kind != Kind.DIRECT)).all()


def _rooms_of(user_id: str) -> Select[str]:
    joined = rooms.join(memberships, memberships.c.room_id == rooms.c.id)
    return select(rooms.c.id).select_from(joined).where(memberships.c.user_id == user_id)
