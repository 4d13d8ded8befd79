"""SQL queries for rooms as users see them."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Row, Select, and_, select, tuple_

from cloudchat.database.id_lists import IsOneOf, id_list
from cloudchat.database.tables.accounts import users
from cloudchat.database.tables.rooms import Room, memberships, read_positions, room_mutes, rooms
from cloudchat.database.transactions import Transaction
from cloudchat.rooms.permissions import Kind
from cloudchat.rooms.summaries.summary import FOREVER, RoomFacts, RoomSummary, RoomUser

MAX_IDS_PER_QUERY = 5000
"""Databases bound the parameters of a query: SQLite at 32,766, PostgreSQL at 65,535."""

_SUMMARIES: Select[*tuple[Any, ...]] = (
    select(
        rooms.c.id,
        rooms.c.kind,
        rooms.c.name,
        rooms.c.topic,
        rooms.c.archived_at.is_not(None).label("archived"),
        rooms.c.slow_mode_seconds,
        rooms.c.retention_days,
        rooms.c.version,
        rooms.c.member_count,
        memberships.c.user_id,
        memberships.c.role,
        memberships.c.muted,
        read_positions.c.seq,
        room_mutes.c.room_id.is_not(None).label("muted_by_moderator"),
        room_mutes.c.until,
    )
    .join(memberships, memberships.c.room_id == rooms.c.id)
    .outerjoin(
        read_positions,
        and_(read_positions.c.user_id == memberships.c.user_id, read_positions.c.room_id == memberships.c.room_id),
    )
    .outerjoin(
        room_mutes, and_(room_mutes.c.user_id == memberships.c.user_id, room_mutes.c.room_id == memberships.c.room_id)
    )
)
_ROOMS_OF_USERS = _SUMMARIES.where(IsOneOf(memberships.c.user_id, id_list("user_ids"))).order_by(
    rooms.c.created_at, rooms.c.id
)
"""Built once: handshakes wait for it. Building it took half of the CPU time of the query."""


def rooms_of(db: Transaction, user_id: str) -> list[RoomSummary]:
    """Return every room of the user, the oldest first. Two queries, however many rooms there are."""
    return _load(db, _SUMMARIES.where(memberships.c.user_id == user_id).order_by(rooms.c.created_at, rooms.c.id))


def rooms_of_users(db: Transaction, user_ids: Collection[str]) -> dict[str, dict[str, RoomSummary]]:
    """Return for each user, by room id, the rooms that they are in, the oldest first. Two queries for all of them."""
    found: dict[str, dict[str, RoomSummary]] = {user_id: {} for user_id in user_ids}
    rows = db.execute(_ROOMS_OF_USERS, {"user_ids": user_ids}).all()
    people = _people_of_direct_rooms(db, rows)
    for row in rows:
        found[row.user_id][row.id] = _summary(row, people)
    return found


def rooms_page(db: Transaction, user_id: str, after: tuple[float, str] | None, limit: int) -> list[RoomSummary]:
    """Return a page of the rooms of the user, the oldest first. `after` is the last room of the previous page."""
    query = _SUMMARIES.where(memberships.c.user_id == user_id).order_by(rooms.c.created_at, rooms.c.id).limit(limit)
    if after is not None:
        query = query.where(tuple_(rooms.c.created_at, rooms.c.id) > after)
    return _load(db, query)


def membership(db: Transaction, user_id: str, room_id: str) -> RoomSummary | None:
    """Return one room of the user, or None if the user is not a member."""
    found = _load(db, _SUMMARIES.where(memberships.c.user_id == user_id, memberships.c.room_id == room_id))
    return found[0] if found else None


def members_of_rooms(db: Transaction, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], RoomSummary]:
    """Return the rooms of several users: by (user id, room id). A pair without a membership is missing.

    One query for each room, or for each user if there are fewer of them. A condition on pairs was slower on PostgreSQL.
    """
    users_of: dict[str, list[str]] = {}
    rooms_of_user: dict[str, list[str]] = {}
    for user_id, room_id in pairs:
        users_of.setdefault(room_id, []).append(user_id)
        rooms_of_user.setdefault(user_id, []).append(room_id)
    if len(users_of) <= len(rooms_of_user):
        groups = (
            (memberships.c.room_id == room_id, memberships.c.user_id, users) for room_id, users in users_of.items()
        )
    else:
        groups = ((memberships.c.user_id == id, memberships.c.room_id, rooms) for id, rooms in rooms_of_user.items())
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


def facts(db: Transaction, room_ids: Iterable[str]) -> dict[str, RoomFacts]:
    """Return what is the same for all members of these rooms, by room id."""
    query = select(rooms).where(rooms.c.id.in_(list(room_ids)))
    return {room.id: facts_of(room) for room in (Room(*row) for row in db.execute(query))}


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


def read_seqs(db: Transaction, room_id: str) -> dict[str, int]:
    """Return up to where the room was read, by the ids of those who have read something."""
    query = select(read_positions.c.user_id, read_positions.c.seq).where(read_positions.c.room_id == room_id)
    return {row.user_id: row.seq for row in db.execute(query)}


def as_visitor(room: Room) -> RoomSummary:
    """Return a room as a user sees it who is not a member."""
    return replace(RoomSummary(room.id, room.name, room.kind), role=None).with_facts(facts_of(room))


# -- internal ---------------------------------------------------------------------------------------------------------


def _load(db: Transaction, query: Select[*tuple[Any, ...]]) -> list[RoomSummary]:
    rows = db.execute(query).all()
    people = _people_of_direct_rooms(db, rows)
    return [_summary(row, people) for row in rows]


def _people_of_direct_rooms(db: Transaction, rows: Sequence[Row[*tuple[Any, ...]]]) -> dict[str, list[RoomUser]]:
    people: dict[str, list[RoomUser]] = {row.id: [] for row in rows if row.kind == Kind.DIRECT}
    if people:
        query = select(memberships.c.room_id, users.c.id, users.c.name).join(users, users.c.id == memberships.c.user_id)
        for room_id, user_id, name in db.execute(
            query.where(memberships.c.room_id.in_(people)).order_by(users.c.name_key)
        ):
            people[room_id].append(RoomUser(user_id, name))
    return people


def _summary(row: Row[*tuple[Any, ...]], people: dict[str, list[RoomUser]]) -> RoomSummary:
    return RoomSummary(
        id=row.id,
        name=row.name,
        kind=row.kind,
        read_seq=row.seq or 0,
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
