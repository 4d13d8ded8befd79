"""INSERT … ON CONFLICT in the dialect of the database, and INSERTs of many rows with few statements.

SQLite's driver releases the GIL for each statement and for each row of a result. Beside a busy event loop, getting it
back takes longer than the statement: so many rows are written by one, and not by `executemany`.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table

from cloudchat.database.transactions import Transaction

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

MAX_ROWS = 256
"""In one statement."""


def insert_into(db: Transaction, table: Table[Any]) -> "postgresql.Insert | sqlite.Insert":
    """Return an INSERT with `on_conflict_do_update` and `on_conflict_do_nothing`.

    Only the dialect in use is loaded: that of PostgreSQL takes 20 ms and 2 MiB of each process.
    """
    if db.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)


def insert_new_rows(db: Transaction, table: Table[Any], columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> int:
    """Insert the rows whose primary key, the first column, is not in the table. Return how many were inserted.

    FTS5 writes the terms of each statement as a segment of its index, and merges the segments later. With a statement
    for each row, a message with its terms took 33 µs, and this way 12 µs. What a column that is not named gets is up to
    the database.
    """
    return _insert(db, table, columns, rows, "DO NOTHING")


def replace_rows(
    db: Transaction, table: Table[Any], columns: Sequence[str], rows: Sequence[tuple[Any, ...]], *, growing: str
) -> int:
    """Write the columns of rows with this primary key, the first column, if the column `growing` becomes larger.

    Return how many were written. A row that is not in the table is inserted.
    """
    changes = ", ".join(f"{column} = excluded.{column}" for column in columns[1:])
    condition = f"{table.name}.{growing} < excluded.{growing}"
    return _insert(db, table, columns, rows, " ".join(("DO UPDATE SET", changes, "WHERE", condition)))


# -- internal ---------------------------------------------------------------------------------------------------------


def _insert(
    db: Transaction, table: Table[Any], columns: Sequence[str], rows: Sequence[tuple[Any, ...]], on_conflict: str
) -> int:
    placeholder = "?" if db.dialect.paramstyle == "qmark" else "%s"
    written = start = 0
    while start < len(rows):
        # A power of two, so that there are few different statements: the drivers keep them prepared.
        count = min(MAX_ROWS, 1 << (len(rows) - start).bit_length() - 1)
        statement = _statement(table.name, tuple(columns), placeholder, count, on_conflict)
        values = tuple(chain.from_iterable(rows[start : start + count]))
        written += db.exec_driver_sql(statement, values).rowcount
        start += count
    return written


@lru_cache(maxsize=64)
def _statement(table: str, columns: tuple[str, ...], placeholder: str, count: int, on_conflict: str) -> str:
    row = f"({', '.join([placeholder] * len(columns))})"
    target = f"{table} ({', '.join(columns)})"
    rows = ", ".join([row] * count)
    return " ".join(("INSERT INTO", target, "VALUES", rows, f"ON CONFLICT ({columns[0]})", on_conflict))
