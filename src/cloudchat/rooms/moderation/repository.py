"""SQL queries for mutes and bans."""

from collections.abc import Iterable

from msgspec import Struct
from sqlalchemy import ColumnElement, Table, or_, select
from sqlalchemy import delete as sql_delete

from cloudchat.database.inserts import insert_into
from cloudchat.database.tables.accounts import users
from cloudchat.database.tables.rooms import Restriction, RestrictionColumns, room_bans
from cloudchat.database.transactions import Transaction, first_row
from cloudchat.rooms.summaries.summary import FOREVER

RestrictionTable = Table[RestrictionColumns]
"""`room_mutes` or `room_bans`."""


class RestrictedUser(Struct, frozen=True):
    """A muted or banned user. Times are seconds since 1970; `until` None means: until a moderator lifts it."""

    id: str
    name: str
    until: float | None
    reason: str
    created_by: str
    created_at: float
    name_key: str


def find(db: Transaction, table: RestrictionTable, room_id: str, user_id: str, now: float) -> Restriction | None:
    """Return the mute or ban of a user if it has not ended."""
    found = first_row(db, Restriction, select(table).where(*_is(table, room_id, user_id)))
    return found if found is not None and (found.until is None or found.until > now) else None


def ban_ends(db: Transaction, pairs: Iterable[tuple[str, str]], now: float) -> dict[tuple[str, str], float]:
    """Return when the bans of several users end (seconds since 1970, `FOREVER`), by (user id, room id)."""
    bans = (find(db, room_bans, room_id, user_id, now) for user_id, room_id in pairs)
    return {(ban.user_id, ban.room_id): FOREVER if ban.until is None else ban.until for ban in bans if ban is not None}


def put(db: Transaction, table: RestrictionTable, restriction: Restriction) -> None:
    """Store a mute or a ban. It replaces an earlier one."""
    row = restriction._asdict()
    new = insert_into(db, table).values(row)
    db.execute(new.on_conflict_do_update(index_elements=[table.c.room_id, table.c.user_id], set_=row))


def delete(db: Transaction, table: RestrictionTable, restriction: Restriction) -> None:
    """Delete a mute or a ban."""
    db.execute(sql_delete(table).where(*_is(table, restriction.room_id, restriction.user_id)))


def page(
    db: Transaction, table: RestrictionTable, room_id: str, after: str | None, limit: int, now: float
) -> list[RestrictedUser]:
    """Return a page of the users whose mute or ban has not ended, by name."""
    restriction = table.c.until, table.c.reason, table.c.created_by, table.c.created_at
    query = (
        select(users.c.id, users.c.name, *restriction, users.c.name_key)
        .join(table, table.c.user_id == users.c.id)
        .where(table.c.room_id == room_id, or_(table.c.until.is_(None), table.c.until > now))
        .order_by(users.c.name_key)
        .limit(limit)
    )
    if after is not None:
        query = query.where(users.c.name_key > after)
    return [RestrictedUser(*row) for row in db.execute(query)]


def _is(table: RestrictionTable, room_id: str, user_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.c.room_id == room_id, table.c.user_id == user_id
