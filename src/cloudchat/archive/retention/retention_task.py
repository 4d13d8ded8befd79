"""Every hour, delete the messages that are too old: from the hot logs, and from the archive with its index.

The hot log is trimmed first. If the process dies before the archive is, the next run finds the same messages in the
archive and trims again. Several processes may do this at the same time. The numbering of the rooms does not change.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from cloudchat.archive.retention import repository
from cloudchat.archive.retention.rules import days_in_force, first_kept_id
from cloudchat.broker.archiving.log_archive import LogArchive
from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.database.transactions import Database, DatabaseUnavailable

logger = logging.getLogger(__name__)

INTERVAL_SECONDS = 3600.0
RETRY_SECONDS = 60.0
MAX_EVENTS_PER_TRANSACTION = 200
"""On SQLite all other writers wait for a transaction."""
PAUSE_SECONDS = 0.05
"""Between two transactions other writers get the lock."""


class Retention:
    """Deletes what is too old."""

    def __init__(
        self,
        db: Database,
        hot_logs: LogArchive,
        installation_days: int,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`installation_days` is the limit for all rooms, 0 for none."""
        self._db = db
        self._hot_logs = hot_logs
        self._installation_days = installation_days
        self._sleep = sleep

    async def run(self) -> None:
        """Delete at the start and every hour, until cancelled. While a store is away, try again every minute."""
        while True:
            try:
                deleted = await self.delete_expired(time.time())
            except (DatabaseUnavailable, BrokerUnavailable) as error:
                logger.warning("retention is interrupted: %s", error)
                await self._sleep(RETRY_SECONDS)
                continue
            if deleted:
                logger.info("deleted messages by retention events=%d", deleted)
            await self._sleep(INTERVAL_SECONDS)

    async def delete_expired(self, now: float) -> int:
        """Delete everything that is too old at `now`. Return how many archived events there were.

        Raises `DatabaseUnavailable`, `BrokerUnavailable`.
        """
        deleted = 0
        for room_id, days in (await asyncio.to_thread(self._limited_rooms)).items():
            kept_id = first_kept_id(days, now)
            while expired := await asyncio.to_thread(self._expired, room_id, kept_id):
                last_seq, last_change_seq = expired
                await self._hot_logs.trim_before(room_id, last_change_seq)
                deleted += await asyncio.to_thread(self._delete, room_id, last_seq)
                await self._sleep(PAUSE_SECONDS)
        return deleted

    def _limited_rooms(self) -> dict[str, int]:
        with self._db.read() as db:
            own = repository.rooms_with_own_limit(db)
            rooms = repository.archived_rooms(db) if self._installation_days else list(own)
        return {id: days_in_force(self._installation_days, own.get(id, 0)) for id in rooms}

    def _expired(self, room_id: str, kept_id: int) -> tuple[int, int] | None:
        """Return the seq of the last row of the next batch, and of the last change before the row that follows."""
        with self._db.read() as db:
            last = repository.last_expired_seq(db, room_id, kept_id, MAX_EVENTS_PER_TRANSACTION)
            # Changes of messages have no rows. Those between two rows are as old as the first of them.
            return (last, repository.first_seq_after(db, room_id, last) - 1) if last else None

    def _delete(self, room_id: str, seq: int) -> int:
        with self._db.write() as db:
            return repository.delete_events_up_to(db, room_id, seq)
