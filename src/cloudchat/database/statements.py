"""Statements whose effect decides a race."""

from typing import Any, cast

from sqlalchemy import CursorResult, Delete, Update
from sqlalchemy.orm import Session


def changed_rows(db: Session, statement: Update | Delete) -> int:
    """Execute, and say how many rows it met. A conditional UPDATE that met one row has won; zero has lost."""
    return cast("CursorResult[Any]", db.execute(statement)).rowcount
