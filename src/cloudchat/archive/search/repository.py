"""SQL queries for search: the rows of the newest messages that match, in the rooms of the caller.

The permission is part of the query: it joins the memberships of the caller as they are in this moment.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from msgspec import Struct
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

from cloudchat.archive.search.index_query import IndexQuery, exact_query, fts5, tsquery, wide_query
from cloudchat.archive.search.query import Clause, Query
from cloudchat.database.tables.archive import archive_heads, archived_events
from cloudchat.database.tables.rooms import memberships
from cloudchat.database.transactions import Transaction

MAX_SECONDS = 2.0
"""A search that takes longer fails."""
_CHECK_EVERY = 5_000
"""SQLite checks whether to go on after so many instructions of its machine: about 300 rows."""
_WIDE_CHECKS = 10
"""About 3,000 rows. If they do not have a page of hits, the words are so rare that exact prefixes are fast."""
_SCANNED_ROWS = 20_000
"""Rooms that had no more events than these are read as a whole."""
_WALKED_ROWS = 20_000
"""If they do not have a page of hits, the words are so rare that sorting all of their rows is fast."""
_MAX_INDEXED_ROOMS = 50
"""The index is asked for so many rooms in any case: each costs 0.1 ms on SQLite."""
_QUERY_CANCELED = "57014"  # PostgreSQL manual, appendix A

Parameters = dict[str, Any]
Sizes = dict[str, int]


class SearchTooSlow(Exception):
    """The search would take longer than `MAX_SECONDS`."""


class Filters(Struct, frozen=True):
    """Which messages may match. Ids are those of `archive.event_ids`: `end_id` is the first one that is too new."""

    room_id: str | None
    user_id: str | None
    first_id: int
    end_id: int


class FoundMessage(Struct, frozen=True):
    """A message that matches, in its current form."""

    id: int
    room_id: str
    seq: int
    epoch: str
    user_id: str
    user_name: str
    text: str


def find_messages(db: Transaction, caller_id: str, query: Query, filters: Filters, limit: int) -> list[FoundMessage]:
    """Return the newest messages that match in rooms of the caller, the newest first. Raises SearchTooSlow."""
    sizes = _sizes_of_rooms(db, caller_id, filters.room_id)
    if not sizes:
        return []
    find = _find_in_postgres if db.dialect.name == "postgresql" else _find_in_sqlite
    return find(db, query, sizes, filters, {"caller": caller_id, "limit": limit})


def is_member(db: Transaction, user_id: str, room_id: str) -> bool:
    """Return whether the user is a member of the room."""
    this = memberships.c.user_id == user_id, memberships.c.room_id == room_id
    return db.scalar(select(memberships.c.user_id).where(*this)) is not None


def _sizes_of_rooms(db: Transaction, caller_id: str, room_id: str | None) -> Sizes:
    """Return for each room of the caller how many events it had; only for one room if one is given."""
    query = select(memberships.c.room_id, func.coalesce(archive_heads.c.seq, 0).label("size"))
    query = query.outerjoin(archive_heads, archive_heads.c.room_id == memberships.c.room_id)
    query = query.where(memberships.c.user_id == caller_id)
    if room_id is not None:
        query = query.where(memberships.c.room_id == room_id)
    return {row.room_id: row.size for row in db.execute(query)}


def _rooms_for_index(db: Transaction, sizes: Sizes) -> Sequence[str]:
    """Return the rooms that the index is asked for; empty: it is not asked for rooms.

    Without rooms in its query the index returns the rows of all rooms, and the SQL skips those of other ones. That is
    cheap if the caller's rooms have a large share of all messages.
    """
    if len(sizes) > _MAX_INDEXED_ROOMS:
        total = db.scalar(select(func.sum(archive_heads.c.seq))) or 1
        if len(sizes) * sum(sizes.values()) > 2 * total:
            return []
    return list(sizes)


_COLUMNS = """
    SELECT e.id, e.room_id, e.seq, e.user_id, u.name, e.text,
        (SELECT p.epoch FROM archive_epochs p
            WHERE p.room_id = e.room_id AND p.first_seq <= e.seq ORDER BY p.first_seq DESC LIMIT 1)
"""

# --- SQLite

# CROSS JOIN: SQLite must read the index from the newest row on, and look up the others for each row.
_SQLITE = f"""
    {_COLUMNS} FROM archived_search s
    CROSS JOIN archived_events e ON e.id = s.rowid
    CROSS JOIN memberships m ON m.room_id = e.room_id AND m.user_id = :caller
    LEFT JOIN users u ON u.id = e.user_id
    WHERE s.archived_search MATCH :query AND s.rowid >= :first_id AND s.rowid < :end_id {{conditions}}
    ORDER BY s.rowid DESC LIMIT :limit
"""


def _find_in_sqlite(
    db: Transaction, query: Query, sizes: Sizes, filters: Filters, parameters: Parameters
) -> list[FoundMessage]:
    rooms = _rooms_for_index(db, sizes)
    wide = wide_query(query, rooms, filters.user_id)
    if wide is not None:
        # The index collects and sorts all rows of a longer prefix before it returns the first one: 0.3 s for a word in
        # a third of 2 million messages.
        try:
            checks = iter(range(_WIDE_CHECKS))
            with _interrupted_when(db, lambda: next(checks, None) is None):
                return _read_sqlite(db, wide, filters, parameters)
        except SearchTooSlow:
            pass
    deadline = time.monotonic() + MAX_SECONDS
    with _interrupted_when(db, lambda: time.monotonic() > deadline):
        return _read_sqlite(db, exact_query(query, rooms, filters.user_id), filters, parameters)


def _read_sqlite(db: Transaction, query: IndexQuery, filters: Filters, parameters: Parameters) -> list[FoundMessage]:
    parameters = {**parameters, "query": fts5(query)}
    return _read(db, _SQLITE, query.conditions, filters=filters, parameters=parameters, position="instr")


@contextmanager
def _interrupted_when(db: Transaction, is_over: Callable[[], bool]) -> Iterator[None]:
    """Interrupt SQLite when `is_over` returns True after `_CHECK_EVERY` instructions. Raises SearchTooSlow then.

    The first check may come sooner: SQLite goes on counting where the last use of the same statement ended.
    """
    connection = db.connection.driver_connection
    assert isinstance(connection, sqlite3.Connection)  # noqa: S101
    connection.set_progress_handler(is_over, _CHECK_EVERY)
    try:
        yield
    except OperationalError as error:
        if getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            raise SearchTooSlow from error
        raise
    finally:
        connection.set_progress_handler(None, 0)


# --- PostgreSQL

_POSTGRES = f"""
    {_COLUMNS} FROM {{rows}} e
    JOIN memberships m ON m.room_id = e.room_id AND m.user_id = :caller
    LEFT JOIN users u ON u.id = e.user_id
    WHERE e.terms <> '' AND {{id}} >= :first_id AND {{id}} < :end_id {{conditions}}
"""
# All rows of a few small rooms, without the index.
_POSTGRES_SCAN = f"""
    {_POSTGRES.replace("{rows}", "archived_events").replace("{id}", "e.id")} AND e.room_id = ANY(:rooms)
    ORDER BY e.id + 0 DESC LIMIT :limit
"""
# The newest rows of all rooms, without the index: a common word is among them.
_NEWEST_ROWS = "(SELECT * FROM archived_events WHERE id >= :first_id AND id < :end_id ORDER BY id DESC LIMIT :walked)"
_POSTGRES_WALK = f"""
    {_POSTGRES.replace("{rows}", _NEWEST_ROWS).replace("{id}", "e.id")} ORDER BY e.id DESC LIMIT :limit
"""
# Every row that the index finds. `+ 0` keeps the planner from a walk through all rows in the order of their ids, or
# through those of a time: it expects 5 of 1,000 messages for each beginning of a word, however rare.
_POSTGRES_INDEX = f"""
    {_POSTGRES.replace("{rows}", "archived_events").replace("{id}", "(e.id + 0)")} AND array_to_tsvector(
        string_to_array('_' || lower(e.room_id) || ' @' || lower(e.user_id) || ' ' || e.terms, ' ')
    ) @@ CAST(:query AS tsquery)
    ORDER BY e.id + 0 DESC LIMIT :limit
"""
# A plan for any words at all would be a bad one, and compiling a query takes longer than most of them.
_POSTGRES_SETTINGS = f"""
    SET LOCAL statement_timeout = {int(MAX_SECONDS * 1000)};
    SET LOCAL plan_cache_mode = force_custom_plan;
    SET LOCAL jit = off
"""


def _find_in_postgres(
    db: Transaction, query: Query, sizes: Sizes, filters: Filters, parameters: Parameters
) -> list[FoundMessage]:
    db.exec_driver_sql(_POSTGRES_SETTINGS)
    read = partial(_read, db, filters=filters, position="strpos")
    try:
        if sum(sizes.values()) <= _SCANNED_ROWS:
            return read(_POSTGRES_SCAN, query.clauses, parameters={**parameters, "rooms": list(sizes)})
        found = read(_POSTGRES_WALK, query.clauses, parameters={**parameters, "walked": _WALKED_ROWS})
        if len(found) == parameters["limit"] or not _has_rows_after_walk(db, filters):
            return found
        exact = exact_query(query, _rooms_for_index(db, sizes), filters.user_id)
        return read(_POSTGRES_INDEX, exact.conditions, parameters={**parameters, "query": tsquery(exact)})
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == _QUERY_CANCELED:
            raise SearchTooSlow from error
        raise


def _has_rows_after_walk(db: Transaction, filters: Filters) -> bool:
    ids = select(archived_events.c.id).where(archived_events.c.id.between(filters.first_id, filters.end_id - 1))
    return db.scalar(ids.order_by(archived_events.c.id.desc()).offset(_WALKED_ROWS).limit(1)) is not None


# --- Both


def _read(
    db: Transaction,
    statement: str,
    clauses: Sequence[Clause],
    *,
    filters: Filters,
    parameters: Parameters,
    position: str,
) -> list[FoundMessage]:
    """Execute a statement with the conditions of the clauses.

    `position` is the database's function that finds a part of a text.
    """
    conditions: list[str] = []
    values = {**parameters, "first_id": filters.first_id, "end_id": filters.end_id}
    for column, value in (("room_id", filters.room_id), ("user_id", filters.user_id)):
        if value is not None:
            conditions.append(f"AND e.{column} = :{column}")
            values[column] = value
    for number, clause in enumerate(clauses):
        name = f"pattern{number}"
        conditions.append(f"AND {position}(' ' || e.terms || ' ', :{name}) {'=' if clause.negated else '>'} 0")
        values[name] = clause.pattern()
    rows = db.execute(text(statement.replace("{conditions}", " ".join(conditions))), values)
    return [
        FoundMessage(id, room_id, seq, epoch or "", user_id, name or "", text)
        for id, room_id, seq, user_id, name, text, epoch in rows
    ]
