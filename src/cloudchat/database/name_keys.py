"""Conditions on the columns of type `models.Key`: the case-folded names of users and rooms."""

from sqlalchemy import ColumnElement, and_
from sqlalchemy.orm import InstrumentedAttribute

_LAST_CHARACTER = "\U0010ffff"  # not assigned for ever (Unicode §23.7), so no name has it


def begins_with(key: InstrumentedAttribute[str], beginning: str) -> ColumnElement[bool]:
    """Return the condition that a key begins with this text: a range, for which the unique index is used."""
    return and_(key >= beginning, key < beginning + _LAST_CHARACTER)
