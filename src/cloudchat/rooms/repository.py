"""SQL queries for rooms: lists of them, and the rows that a change of a room reads and writes."""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, exists, func, insert, or_, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from cloudchat.auth.errors import Conflict
from cloudchat.database.tables.accounts import User, users
from cloudchat.database.tables.rooms import Membership, Room, memberships, rooms
from cloudchat.database.transactions import Transaction, first_row
from cloudchat.rooms.permissions import Kind

# --- Lists of rooms


class PublicRoom(Struct, frozen=True):
    """A public room in the list of rooms to join. `name_key` is its place in the list."""

    id: str
    name: str
    topic: str
    member_count: int
    joined: bool
    name_key: str


def public_rooms(db: Transaction, user_id: str, part: str, after: str | None, limit: int) -> list[PublicRoom]:
    """Return a page of the public rooms that are not archived and have `part` (a key) in their names, by name."""
    joined = exists().where(memberships.c.room_id == rooms.c.id, memberships.c.user_id == user_id)
    query = (
        select(rooms.c.id, rooms.c.name, rooms.c.topic, rooms.c.member_count, joined.label("joined"), rooms.c.name_key)
        .where(rooms.c.name_key.is_not(None), rooms.c.archived_at.is_(None))
        .order_by(rooms.c.name_key)
        .limit(limit)
    )
    if part:
        query = query.where(rooms.c.name_key.contains(part, autoescape=True))
    if after is not None:
        query = query.where(rooms.c.name_key > after)
    return [
        PublicRoom(room_id, name, topic, member_count, is_member, key or "")
        for room_id, name, topic, member_count, is_member, key in db.execute(query)
    ]


class ListedRoom(Struct, frozen=True):
    """A room as an operator sees it. Times are seconds since 1970."""

    id: str
    name: str
    kind: str
    topic: str
    member_count: int
    archived_at: float | None
    slow_mode_seconds: int
    retention_days: int
    version: int
    created_at: float
    created_by: str


def all_rooms(db: Transaction, after: tuple[float, str] | None, limit: int) -> list[ListedRoom]:
    """Return a page of all rooms, of every kind, the oldest first."""
    query = select(rooms).order_by(rooms.c.created_at, rooms.c.id).limit(limit)
    if after is not None:
        query = query.where(tuple_(rooms.c.created_at, rooms.c.id) > after)
    return [listed(room) for room in _rooms(db, query)]


def named_rooms(db: Transaction, part: str, key: str, after: tuple[float, str] | None, limit: int) -> list[ListedRoom]:
    """Return a page of the public and private rooms with `part` in their names, the oldest first.

    `key` is the form of `part` in which the names of public rooms are searched. Private rooms have no such key.
    """
    query = select(rooms).where(rooms.c.kind != Kind.DIRECT).order_by(rooms.c.created_at, rooms.c.id).limit(limit)
    if part:
        query = query.where(
            or_(rooms.c.name_key.contains(key, autoescape=True), rooms.c.name.icontains(part, autoescape=True))
        )
    if after is not None:
        query = query.where(tuple_(rooms.c.created_at, rooms.c.id) > after)
    return [listed(room) for room in _rooms(db, query)]


def listed(room: Room) -> ListedRoom:
    """Return a room as an operator sees it."""
    return ListedRoom(
        id=room.id,
        name=room.name,
        kind=room.kind,
        topic=room.topic,
        member_count=room.member_count,
        archived_at=room.archived_at,
        slow_mode_seconds=room.slow_mode_seconds,
        retention_days=room.retention_days,
        version=room.version,
        created_at=room.created_at,
        created_by=room.created_by,
    )


def created_at(db: Transaction, room_id: str) -> float | None:
    """Return when the room was created; None if it does not exist."""
    return db.scalar(select(rooms.c.created_at).where(rooms.c.id == room_id))


# --- Changes


def lock_room(db: Transaction, room_id: str) -> Room | None:
    """Return the room, locked until the transaction ends: the changes of a room happen one after the other.

    The lock does not block the insertion of rows that refer to the room, as FOR UPDATE would.
    """
    return first_row(db, Room, select(rooms).where(rooms.c.id == room_id).with_for_update(key_share=True))


def room_by_id(db: Transaction, room_id: str) -> Room | None:
    """Return the room or None."""
    return first_row(db, Room, select(rooms).where(rooms.c.id == room_id))


def room_by_direct_key(db: Transaction, direct_key: str) -> Room | None:
    """Return the direct room of these people, or None."""
    return first_row(db, Room, select(rooms).where(rooms.c.direct_key == direct_key))


def room_by_name_key(db: Transaction, name_key: str) -> Room | None:
    """Return the public room with this name, or None."""
    return first_row(db, Room, select(rooms).where(rooms.c.name_key == name_key))


def insert_room(db: Transaction, room: Room) -> bool:
    """Insert a room. Return False if its `direct_key` is in use, and the transaction must end. Raises Conflict."""
    try:
        db.execute(insert(rooms).values(room._asdict()))
    except IntegrityError as error:
        if room.direct_key is not None:
            return False
        raise _name_taken() from error
    return True


def update_room(db: Transaction, before: Room, room: Room) -> None:
    """Write the columns of a locked room in which it differs from `before`.

    The unique key of the name decides between concurrent changes. Raises Conflict.
    """
    changes = {column: new for column, old, new in zip(Room._fields, before, room, strict=True) if new != old}
    try:
        db.execute(update(rooms).where(rooms.c.id == room.id).values(changes))
    except IntegrityError as error:
        if "name_key" not in changes:
            raise
        raise _name_taken() from error


def _name_taken() -> Conflict:
    return Conflict("another public room has this name; choose another one", field="name")


def membership_row(db: Transaction, room_id: str, user_id: str) -> Membership | None:
    """Return the row of a membership, or None."""
    this = memberships.c.room_id == room_id, memberships.c.user_id == user_id
    return first_row(db, Membership, select(memberships).where(*this))


def other_member_exists(db: Transaction, room_id: str, user_id: str, *, role: str | None = None) -> bool:
    """Return whether the room has a member besides this one; with `role`, one of this role."""
    conditions: list[ColumnElement[bool]] = [memberships.c.room_id == room_id, memberships.c.user_id != user_id]
    if role is not None:
        conditions.append(memberships.c.role == role)
    return db.scalar(select(memberships.c.user_id).where(*conditions).limit(1)) is not None


def count_rooms_of(db: Transaction, user_id: str, *, at_most: int) -> int:
    """Return how many rooms the user is in. Stops counting at `at_most`."""
    some = select(memberships.c.room_id).where(memberships.c.user_id == user_id).limit(at_most)
    return db.scalar(select(func.count()).select_from(some.subquery())) or 0


def enabled_users(db: Transaction, user_ids: Iterable[str]) -> dict[str, User]:
    """Return those of the users that exist and are not disabled, by id."""
    possible = [user_id for user_id in user_ids if user_id.isascii() and user_id.isprintable()]  # no NUL in a query
    query = select(users).where(users.c.id.in_(possible), users.c.disabled_at.is_(None))
    return {user.id: user for user in (User(*row) for row in db.execute(query))}


def _rooms(db: Transaction, query: Select[*tuple[Any, ...]]) -> Iterator[Room]:
    return (Room(*row) for row in db.execute(query))
