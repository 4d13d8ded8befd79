"""All rows of one database into another, of whatever kind: how an installation grows from SQLite to PostgreSQL."""

from sqlalchemy import insert, select

from cloudchat.database.engine import create_engine
from cloudchat.database.models import Model

_ROWS = 1000


def move_rows(source: str, target: str) -> None:
    """Copy every row, in one transaction. Both have today's schema; what the target has is replaced."""
    old, new = create_engine(source), create_engine(target)
    tables = Model.metadata.sorted_tables  # those that others refer to come first
    try:
        with old.connect() as reading, new.execution_options(writes=True).begin() as writing:
            for table in reversed(tables):
                writing.execute(table.delete())
            for table in tables:
                for rows in reading.execution_options(yield_per=_ROWS).execute(select(table)).mappings().partitions():
                    writing.execute(insert(table), [dict(row) for row in rows])
    finally:
        old.dispose()
        new.dispose()
