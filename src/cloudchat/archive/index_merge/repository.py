"""SQL of one step of a merge.

FTS5 adds the words of a deleted text to the index once more, marked as deleted. Both are in its pages until a merge of
all its parts drops them. `merge` with a negative number begins such a merge, with a positive one it continues, for
about that many pages (https://sqlite.org/fts5.html#the_merge_command). The migration 0012 has set `usermerge` to 2, so
that an unfinished merge always goes on first: a `merge` that changes less than two rows has found nothing to do.
"""

from typing import NamedTuple

from sqlalchemy import text

from cloudchat.database.transactions import Transaction

MAX_INTERVAL_SECONDS = 3600.0
"""From the end of a merge to the beginning of the next one, if there were deletions."""


class MergeState(NamedTuple):
    """See the migration 0012."""

    pending: bool
    merging: bool
    due_at: float
    spent_seconds: float

    def is_due(self, now: float) -> bool:
        """Return whether there is a step to do now. A later time than any interval was written with a wrong clock."""
        return (self.pending or self.merging) and not now < self.due_at <= now + MAX_INTERVAL_SECONDS


_READ = text("SELECT pending, merging, due_at, spent_seconds FROM archived_search_merge")
_WRITE = text(
    "UPDATE archived_search_merge SET pending = :pending, merging = :merging, due_at = :due_at, "
    "spent_seconds = :spent_seconds"
)
_MERGE = text("INSERT INTO archived_search (archived_search, rank) VALUES ('merge', :pages)")
_CHANGES = text("SELECT total_changes()")


def read_state(db: Transaction) -> MergeState:
    """Return the state of the merge."""
    return MergeState(*db.execute(_READ).one())


def write_state(db: Transaction, state: MergeState) -> None:
    """Replace the state of the merge."""
    db.execute(_WRITE, state._asdict())


def merge(db: Transaction, pages: int) -> bool:
    """Merge about that many pages; negative: begin a merge of the whole index. Return whether there was work."""
    before = db.execute(_CHANGES).scalar_one()
    db.execute(_MERGE, {"pages": pages})
    return int(db.execute(_CHANGES).scalar_one()) - int(before) >= 2
