"""What the tables share: their metadata, the types of their columns, and the condition on the beginning of a name."""

from typing import Any

from sqlalchemy import Column, ColumnElement, Double, ForeignKey, MetaData, String, Table, and_

metadata = MetaData()
"""All tables. It is complete when `archive` is loaded."""

KEY = String(192).with_variant(String(192, collation="C"), "postgresql")
"""The case-folded names of users and rooms. They are compared and ordered by code points, so that a range finds all
names with the same beginning.
"""

INSTANT: Double[float] = Double()
"""Seconds since 1970."""

_LAST_CHARACTER = "\U0010ffff"  # not assigned for ever (Unicode §23.7), so no name has it


def id_column() -> Column[str]:
    """Return a primary key with a value from `core.ids`."""
    return Column(String(22), primary_key=True)


def hash_column() -> Column[str]:
    """Return a primary key with the SHA-256 of a secret."""
    return Column(String(64), primary_key=True)


def reference(table: Table[Any], *, primary_key: bool = False, index: bool | None = None) -> Column[str]:
    """Return a reference to the `id` of a table. The row is deleted together with the one that it refers to."""
    foreign_key = ForeignKey(table.c.id, ondelete="CASCADE")
    return Column(String(22), foreign_key, primary_key=primary_key, index=index, nullable=False)


def begins_with(key: ColumnElement[str], beginning: str) -> ColumnElement[bool]:
    """Return the condition that a KEY begins with this text: a range, for which the unique index is used."""
    return and_(key >= beginning, key < beginning + _LAST_CHARACTER)
