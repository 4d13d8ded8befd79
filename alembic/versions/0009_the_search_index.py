"""the search index: the terms of each archived message, and the index of them"""

import sqlite3

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# A deletion that forgets the terms fails: a deleted text must leave the index, too.
_TERMS = "ALTER TABLE archived_events ADD COLUMN terms TEXT DEFAULT '' NOT NULL CHECK (text <> '' OR terms = '')"

# What the index has of a message. The terms of its room and of its author begin with a character that no word has, so
# that a query can name them and no text can contain them.
_INDEXED = "'_' || lower({row}room_id) || ' @' || lower({row}user_id) || ' ' || {row}terms"

# FTS5 gets the old terms with each change, so that it needs no copy of them. Its tokenizer splits at spaces only: the
# terms have no other ASCII characters than those that it does not split at. Without positions (`detail`) the index is
# smaller and prefixes are read faster; phrases are looked up in `terms`. The rows of a prefix of 3 letters are read in
# their order, without first collecting all rows of the words that begin so.
_ROW = _INDEXED.format(row="")
_SQLITE_ROWS = (
    "CREATE VIEW archived_search_rows AS "  # noqa: S608 — of constants
    f"SELECT id, {_ROW} AS terms FROM archived_events WHERE terms <> ''"
)
_SQLITE_INDEX = """
CREATE VIRTUAL TABLE archived_search USING fts5(
    terms, content = 'archived_search_rows', content_rowid = 'id', detail = 'none', columnsize = 0, prefix = '3',
    tokenize = "ascii tokenchars '_-@|'"
)
"""
_REMOVE_OLD = f"""
    INSERT INTO archived_search (archived_search, rowid, terms)
        SELECT 'delete', old.id, {_INDEXED.format(row="old.")} WHERE old.terms <> '';
"""
_ADD_NEW = f"""
    INSERT INTO archived_search (rowid, terms)
        SELECT new.id, {_INDEXED.format(row="new.")} WHERE new.terms <> '';
"""
_SQLITE_TRIGGERS = (
    f"CREATE TRIGGER archived_search_insert AFTER INSERT ON archived_events BEGIN {_ADD_NEW} END",
    f"CREATE TRIGGER archived_search_delete AFTER DELETE ON archived_events BEGIN {_REMOVE_OLD} END",
    f"""
    CREATE TRIGGER archived_search_update AFTER UPDATE OF id, room_id, user_id, terms ON archived_events
    WHEN (old.id, old.room_id, old.user_id, old.terms) IS NOT (new.id, new.room_id, new.user_id, new.terms)
    BEGIN {_REMOVE_OLD} {_ADD_NEW} END
    """,
)
# A deleted text leaves the pages of the index at once. Older versions remove it when they merge these pages.
_MIN_SECURE_DELETE = (3, 42)

_POSTGRESQL_INDEX = f"""
CREATE INDEX archived_search ON archived_events
    USING gin (array_to_tsvector(string_to_array({_ROW}, ' '))) WHERE terms <> ''
"""


def upgrade() -> None:
    op.execute(_TERMS)
    if op.get_bind().dialect.name != "sqlite":
        op.execute(_POSTGRESQL_INDEX)
        return
    for statement in (_SQLITE_ROWS, _SQLITE_INDEX, *_SQLITE_TRIGGERS):
        op.execute(statement)
    if sqlite3.sqlite_version_info >= _MIN_SECURE_DELETE:
        op.execute("INSERT INTO archived_search (archived_search, rank) VALUES ('secure-delete', 1)")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for change in ("insert", "delete", "update"):
            op.execute(f"DROP TRIGGER archived_search_{change}")
        op.execute("DROP TABLE archived_search")
        op.execute("DROP VIEW archived_search_rows")
    op.drop_column("archived_events", "terms")
