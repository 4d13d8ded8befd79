"""SQL queries for rooms: what a user sees of them, and the rows that a change of a room reads and writes."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, exists, func, or_, select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cloudchat.auth.errors import Conflict
from cloudchat.database.models import Membership, ReadPosition, Room, RoomMute, User
from cloudchat.rooms.permissions import Kind
from cloudchat.rooms.summary import FOREVER, RoomFacts, RoomSummary, RoomUser

MAX_IDS_PER_QUERY = 5000
"""Databases bound the parameters of a query: SQLite at 32,766, PostgreSQL at 65,535."""

# --- A room as a user sees it

_SUMMARIES: Select[*tuple[Any, ...]] = (
    select(
        Room.id,
        Room.kind,
        Room.name,
        Room.topic,
        Room.archived_at.is_not(None).label("archived"),
        Room.slow_mode_seconds,
        Room.retention_days,
        Room.version,
        Room.member_count,
        Membership.user_id,
        Membership.role,
        Membership.muted,
        ReadPosition.seq,
        ReadPosition.epoch,
        RoomMute.room_id.is_not(None).label("muted_by_moderator"),
        RoomMute.until,
    )
    .join(Membership, Membership.room_id == Room.id)
    .outerjoin(
        ReadPosition,
        and_(ReadPosition.user_id == Membership.user_id, ReadPosition.room_id == Membership.room_id),
    )
    .outerjoin(RoomMute, and_(RoomMute.user_id == Membership.user_id, RoomMute.room_id == Membership.room_id))
)
_ROOMS_OF_USERS = _SUMMARIES.where(Membership.user_id.in_(bindparam("user_ids", expanding=True))).order_by(
    Room.created_at, Room.id
)
"""Built once: handshakes wait for it. Building it took half of the CPU time of the query."""


def rooms_of(db: Session, user_id: str) -> list[RoomSummary]:
    """Return every room of the user, the oldest first. Two queries, however many rooms there are."""
    return _load(db, _SUMMARIES.where(Membership.user_id == user_id).order_by(Room.created_at, Room.id))


def rooms_of_users(db: Session, user_ids: Collection[str]) -> dict[str, dict[str, RoomSummary]]:
    """Return for each user, by room id, the rooms that they are in, the oldest first. Two queries for all of them."""
    found: dict[str, dict[str, RoomSummary]] = {user_id: {} for user_id in user_ids}
    rows = db.execute(_ROOMS_OF_USERS, {"user_ids": list(user_ids)}).all()
    people = _people_of_direct_rooms(db, rows)
    for row in rows:
        found[row.user_id][row.id] = _summary(row, people)
    return found


def rooms_page(db: Session, user_id: str, after: tuple[float, str] | None, limit: int) -> list[RoomSummary]:
    """Return a page of the rooms of the user, the oldest first. `after` is the last room of the previous page."""
    query = _SUMMARIES.where(Membership.user_id == user_id).order_by(Room.created_at, Room.id).limit(limit)
    if after is not None:
        query = query.where(tuple_(Room.created_at, Room.id) > after)
    return _load(db, query)


def membership(db: Session, user_id: str, room_id: str) -> RoomSummary | None:
    """Return one room of the user, or None if the user is not a member."""
    found = _load(db, _SUMMARIES.where(Membership.user_id == user_id, Membership.room_id == room_id))
    return found[0] if found else None


def members_of_rooms(db: Session, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], RoomSummary]:
    """Return the rooms of several users: by (user id, room id). A pair without a membership is missing.

    One query for each room, or for each user if there are fewer of them. A condition on pairs was slower on PostgreSQL.
    """
    users_of: dict[str, list[str]] = {}
    rooms_of_user: dict[str, list[str]] = {}
    for user_id, room_id in pairs:
        users_of.setdefault(room_id, []).append(user_id)
        rooms_of_user.setdefault(user_id, []).append(room_id)
    if len(users_of) <= len(rooms_of_user):
        groups = ((Membership.room_id == room_id, Membership.user_id, users) for room_id, users in users_of.items())
    else:
        groups = ((Membership.user_id == id, Membership.room_id, rooms) for id, rooms in rooms_of_user.items())
    rows = [
        row
        for is_of_group, column, ids in groups
        for part in _batched(ids, MAX_IDS_PER_QUERY)
        for row in db.execute(_SUMMARIES.where(is_of_group, column.in_(part)))
    ]
    people = _people_of_direct_rooms(db, rows)
    return {(row.user_id, row.id): _summary(row, people) for row in rows}


def _batched(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))


def facts(db: Session, room_ids: Iterable[str]) -> dict[str, RoomFacts]:
    """Return what is the same for all members of these rooms, by room id."""
    return {room.id: facts_of(room) for room in db.scalars(select(Room).where(Room.id.in_(list(room_ids))))}


def facts_of(room: Room) -> RoomFacts:
    """Return what is the same for all members of the room."""
    return RoomFacts(
        id=room.id,
        kind=room.kind,
        name=room.name,
        topic=room.topic,
        archived=room.archived_at is not None,
        slow_mode_seconds=room.slow_mode_seconds,
        retention_days=room.retention_days,
        version=room.version,
        member_count=room.member_count,
    )


def read_seqs(db: Session, room_id: str) -> dict[str, int]:
    """Return up to where the room was read, by the ids of those who have read something."""
    query = select(ReadPosition.user_id, ReadPosition.seq).where(ReadPosition.room_id == room_id)
    return {row.user_id: row.seq for row in db.execute(query)}


def created_at(db: Session, room_id: str) -> float | None:
    """Return when the room was created; None if it does not exist."""
    return db.scalar(select(Room.created_at).where(Room.id == room_id))


def _load(db: Session, query: Select[*tuple[Any, ...]]) -> list[RoomSummary]:
    rows = db.execute(query).all()
    people = _people_of_direct_rooms(db, rows)
    return [_summary(row, people) for row in rows]


def _people_of_direct_rooms(db: Session, rows: Sequence[Row[*tuple[Any, ...]]]) -> dict[str, list[RoomUser]]:
    people: dict[str, list[RoomUser]] = {row.id: [] for row in rows if row.kind == Kind.DIRECT}
    if people:
        query = select(Membership.room_id, User.id, User.name).join(User, User.id == Membership.user_id)
        for room_id, user_id, name in db.execute(query.where(Membership.room_id.in_(people)).order_by(User.name_key)):
            people[room_id].append(RoomUser(user_id, name))
    return people


def _summary(row: Row[*tuple[Any, ...]], people: dict[str, list[RoomUser]]) -> RoomSummary:
    return RoomSummary(
        id=row.id,
        name=row.name,
        kind=row.kind,
        read_seq=row.seq or 0,
        read_epoch=row.epoch or "",
        topic=row.topic,
        role=row.role,
        archived=row.archived,
        muted=row.muted,
        slow_mode_seconds=row.slow_mode_seconds,
        retention_days=row.retention_days,
        version=row.version,
        member_count=row.member_count,
        muted_until=(FOREVER if row.until is None else row.until) if row.muted_by_moderator else None,
        users=tuple(user for user in people.get(row.id, ()) if user.id != row.user_id),
    )


def as_visitor(room: Room) -> RoomSummary:
    """Return a room as a user sees it who is not a member."""
    return replace(RoomSummary(room.id, room.name, room.kind), role=None).with_facts(facts_of(room))


# --- Lists of rooms


@dataclass(frozen=True, slots=True)
class PublicRoom:
    """A public room in the list of rooms to join. `name_key` is its place in the list."""

    id: str
    name: str
    topic: str
    member_count: int
    joined: bool
    name_key: str


def public_rooms(db: Session, user_id: str, part: str, after: str | None, limit: int) -> list[PublicRoom]:
    """Return a page of the public rooms that are not archived and have `part` (a key) in their names, by name."""
    joined = exists().where(Membership.room_id == Room.id, Membership.user_id == user_id)
    query = (
        select(Room.id, Room.name, Room.topic, Room.member_count, joined.label("joined"), Room.name_key)
        .where(Room.name_key.is_not(None), Room.archived_at.is_(None))
        .order_by(Room.name_key)
        .limit(limit)
    )
    if part:
        query = query.where(Room.name_key.contains(part, autoescape=True))
    if after is not None:
        query = query.where(Room.name_key > after)
    return [
        PublicRoom(room_id, name, topic, member_count, is_member, key or "")
        for room_id, name, topic, member_count, is_member, key in db.execute(query)
    ]


@dataclass(frozen=True, slots=True)
class ListedRoom:
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


def all_rooms(db: Session, after: tuple[float, str] | None, limit: int) -> list[ListedRoom]:
    """Return a page of all rooms, of every kind, the oldest first."""
    query = select(Room).order_by(Room.created_at, Room.id).limit(limit)
    if after is not None:
        query = query.where(tuple_(Room.created_at, Room.id) > after)
    return [listed(room) for room in db.scalars(query)]


def named_rooms(db: Session, part: str, key: str, after: tuple[float, str] | None, limit: int) -> list[ListedRoom]:
    """Return a page of the public and private rooms with `part` in their names, the oldest first.

    `key` is the form of `part` in which the names of public rooms are searched. Private rooms have no such key.
    """
    query = select(Room).where(Room.kind != Kind.DIRECT).order_by(Room.created_at, Room.id).limit(limit)
    if part:
        query = query.where(
            or_(Room.name_key.contains(key, autoescape=True), Room.name.icontains(part, autoescape=True))
        )
    if after is not None:
        query = query.where(tuple_(Room.created_at, Room.id) > after)
    return [listed(room) for room in db.scalars(query)]


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


# --- Changes


def lock_room(db: Session, room_id: str) -> Room | None:
    """Return the room, locked until the transaction ends: the changes of a room happen one after the other.

    The lock does not block the insertion of rows that refer to the room, as FOR UPDATE would.
    """
    return db.scalar(select(Room).where(Room.id == room_id).with_for_update(key_share=True))


def room_by_id(db: Session, room_id: str) -> Room | None:
    """Return the room or None."""
    return db.get(Room, room_id)


def room_by_direct_key(db: Session, direct_key: str) -> Room | None:
    """Return the direct room of these people, or None."""
    return db.scalar(select(Room).where(Room.direct_key == direct_key))


def room_by_name_key(db: Session, name_key: str) -> Room | None:
    """Return the public room with this name, or None."""
    return db.scalar(select(Room).where(Room.name_key == name_key))


def insert_room(db: Session, room: Room) -> bool:
    """Insert a room. Return False if its `direct_key` is in use, and the transaction must end. Raises Conflict."""
    db.add(room)
    try:
        db.flush()
    except IntegrityError as error:
        if room.direct_key is not None:
            return False
        raise _name_taken() from error
    return True


def rename_room(db: Session, room: Room, name: str, name_key: str | None) -> None:
    """Set the name of a room. The unique key decides between concurrent changes. Raises Conflict."""
    room.name = name
    room.name_key = name_key
    try:
        db.flush()
    except IntegrityError as error:
        raise _name_taken() from error


def _name_taken() -> Conflict:
    return Conflict("another public room has this name; choose another one", field="name")


def membership_row(db: Session, room_id: str, user_id: str) -> Membership | None:
    """Return the row of a membership, or None."""
    return db.get(Membership, (room_id, user_id))


def other_member_exists(db: Session, room_id: str, user_id: str, *, role: str | None = None) -> bool:
    """Return whether the room has a member besides this one; with `role`, one of this role."""
    conditions: list[ColumnElement[bool]] = [Membership.room_id == room_id, Membership.user_id != user_id]
    if role is not None:
        conditions.append(Membership.role == role)
    return db.scalar(select(Membership.user_id).where(*conditions).limit(1)) is not None


def count_rooms_of(db: Session, user_id: str, *, at_most: int) -> int:
    """Return how many rooms the user is in. Stops counting at `at_most`."""
    some = select(Membership.room_id).where(Membership.user_id == user_id).limit(at_most)
    return db.scalar(select(func.count()).select_from(some.subquery())) or 0


def enabled_users(db: Session, user_ids: Iterable[str]) -> dict[str, User]:
    """Return those of the users that exist and are not disabled, by id."""
    possible = [user_id for user_id in user_ids if user_id.isascii() and user_id.isprintable()]  # no NUL in a query
    query = select(User).where(User.id.in_(possible), User.disabled_at.is_(None))
    return {user.id: user for user in db.scalars(query)}
