"""merges of SQLite's search index after deletions"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# One row. `pending`: texts were deleted since the last merge began. `merging`: a merge has begun. No step is made
# before `due_at`; the steps of a merge have taken `spent_seconds` so far.
_STATE = """
CREATE TABLE archived_search_merge (
    pending BOOLEAN NOT NULL, merging BOOLEAN NOT NULL, due_at DOUBLE NOT NULL, spent_seconds DOUBLE NOT NULL
)
"""
# What was deleted before this version is in the index until a merge, too.
_FIRST_STATE = "INSERT INTO archived_search_merge SELECT EXISTS (SELECT 1 FROM archived_events), FALSE, 0, 0"
_NOTE = "UPDATE archived_search_merge SET pending = TRUE WHERE NOT pending;"
_TRIGGERS = (
    f"CREATE TRIGGER archived_search_text_deleted AFTER UPDATE OF text ON archived_events "
    f"WHEN old.text <> '' AND new.text = '' BEGIN {_NOTE} END",
    f"CREATE TRIGGER archived_search_row_deleted AFTER DELETE ON archived_events WHEN old.text <> '' BEGIN {_NOTE} END",
)
# The command `merge` then leaves no merge unfinished, so that one which has nothing to do is the end.
_MERGE_PAIRS = "INSERT INTO archived_search (archived_search, rank) VALUES ('usermerge', 2)"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for statement in (_STATE, _FIRST_STATE, *_TRIGGERS, _MERGE_PAIRS):
            op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER archived_search_text_deleted")
        op.execute("DROP TRIGGER archived_search_row_deleted")
        op.execute("DROP TABLE archived_search_merge")
