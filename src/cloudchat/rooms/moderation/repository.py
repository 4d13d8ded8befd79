"""SQL queries for mutes and bans."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from cloudchat.database.models import RoomBan, RoomMute, User
from cloudchat.rooms.summary import FOREVER

Restriction = type[RoomMute] | type[RoomBan]


@dataclass(frozen=True, slots=True)
class RestrictedUser:
    """A muted or banned user. Times are seconds since 1970; `until` None means: until a moderator lifts it."""

    id: str
    name: str
    until: float | None
    reason: str
    created_by: str
    created_at: float
    name_key: str


def find(db: Session, table: Restriction, room_id: str, user_id: str, now: float) -> RoomMute | RoomBan | None:
    """Return the mute or ban of a user if it has not ended."""
    row = cast("RoomMute | RoomBan | None", db.get(table, (room_id, user_id)))
    return row if row is not None and (row.until is None or row.until > now) else None


def ban_ends(db: Session, pairs: Iterable[tuple[str, str]], now: float) -> dict[tuple[str, str], float]:
    """Return when the bans of several users end (seconds since 1970, `FOREVER`), by (user id, room id)."""
    bans = (find(db, RoomBan, room_id, user_id, now) for user_id, room_id in pairs)
    return {(ban.user_id, ban.room_id): FOREVER if ban.until is None else ban.until for ban in bans if ban is not None}


def put(
    db: Session,
    table: Restriction,
    room_id: str,
    user_id: str,
    *,
    until: float | None,
    reason: str,
    created_by: str,
    now: float,
) -> None:
    """Store a mute or a ban. It replaces an earlier one."""
    db.merge(table(room_id=room_id, user_id=user_id, until=until, reason=reason, created_by=created_by, created_at=now))


def delete(db: Session, row: RoomMute | RoomBan) -> None:
    """Delete a mute or a ban."""
    db.delete(row)


def page(
    db: Session, table: Restriction, room_id: str, after: str | None, limit: int, now: float
) -> list[RestrictedUser]:
    """Return a page of the users whose mute or ban has not ended, by name."""
    columns: Any = table
    query = (
        select(User, columns)
        .join(table, table.user_id == User.id)
        .where(table.room_id == room_id, or_(table.until.is_(None), table.until > now))
        .order_by(User.name_key)
        .limit(limit)
    )
    if after is not None:
        query = query.where(User.name_key > after)
    return [
        RestrictedUser(user.id, user.name, row.until, row.reason, row.created_by, row.created_at, user.name_key)
        for user, row in db.execute(query)
    ]
