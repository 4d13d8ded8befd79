"""After deletions, merge SQLite's search index in small steps, and empty the write-ahead log of the database.

Until then the files have single words of the deleted texts, which no search finds, and the log has old pages. A
trigger notes each deletion of a text, by a user, an erasure or retention. An edit is not one: the archive keeps the
earlier text for the moderators.

Every process of a server has this task, and all of them may make steps of one merge: the state is a row, and each step
is one transaction with it. So a killed process leaves nothing undone.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from cloudchat.archive.index_merge import repository
from cloudchat.database.transactions import Database, DatabaseUnavailable

logger = logging.getLogger(__name__)

CHECK_SECONDS = 5.0
MIN_INTERVAL_SECONDS = 300.0
"""From the end of a merge to the beginning of the next one."""
INTERVAL_PER_SECOND = 100.0
"""A merge writes the whole index again: the next one begins after this many times the work of the last one, or after
`MAX_INTERVAL_SECONDS`.
"""
PAGES_PER_STEP = 64
"""Of 4 KiB. All other writers wait for a step, which takes 8 ms."""
PAUSE_SECONDS = 0.05
"""Between two steps other writers get the lock."""


class IndexMerge:
    """Makes the steps. Blocking: call it in a thread."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def step(self, now: float) -> bool:
        """Make a step if one is due at `now` (seconds since 1970). Return whether another one should follow soon.

        Raises `DatabaseUnavailable`.
        """
        with self._db.read() as db:
            if not repository.read_state(db).is_due(now):
                return False
        with self._db.write() as db:
            state = repository.read_state(db)
            if not state.is_due(now):
                return True  # another process has made this step
            begun = time.perf_counter()
            worked = repository.merge(db, PAGES_PER_STEP if state.merging else -PAGES_PER_STEP)
            state = state._replace(
                # What is deleted after the beginning of a merge needs another one.
                pending=state.pending and state.merging,
                merging=True,
                due_at=now + PAUSE_SECONDS,
                spent_seconds=state.spent_seconds + time.perf_counter() - begun,
            )
            repository.write_state(db, state)
        # A reader may still need the log: then the end is tried again.
        return worked or not self._db.truncate_log() or self._finish(now)

    def _finish(self, now: float) -> bool:
        with self._db.write() as db:
            state = repository.read_state(db)
            interval = min(
                max(MIN_INTERVAL_SECONDS, INTERVAL_PER_SECOND * state.spent_seconds), repository.MAX_INTERVAL_SECONDS
            )
            repository.write_state(db, state._replace(merging=False, due_at=now + interval, spent_seconds=0.0))
        logger.info("removed the words of deleted texts from the search index seconds=%.2f", state.spent_seconds)
        return False


async def merge_after_deletions(merge: IndexMerge, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
    """Merge the index whenever texts were deleted, until cancelled."""
    while True:
        more = False
        try:
            more = await asyncio.to_thread(merge.step, time.time())
        except DatabaseUnavailable as error:
            logger.warning("the merge of the search index is interrupted: %s", error)
        await sleep(PAUSE_SECONDS if more else CHECK_SECONDS)
