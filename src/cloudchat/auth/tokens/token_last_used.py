"""The time of the last use of each API token, to the hour, stored without delaying the request that uses it."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

from cloudchat.auth.tokens.repository import update_last_used
from cloudchat.database.transactions import Database, DatabaseUnavailable

RESOLUTION_SECONDS = 3600.0
_MAX_PENDING = 1000

log = logging.getLogger("cloudchat.auth")


class TokenLastUsed:
    """Stores uses from its own thread. A use that cannot be stored is dropped: the next use stores a newer time."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="token-last-used")
        self._pending: set[str] = set()
        self._lock = threading.Lock()

    def record_use(self, token_id: str, last_used_at: float | None, now: float) -> None:
        """Schedule a write, at most one per token and hour. `last_used_at` is the stored value. Never blocks."""
        if last_used_at is not None and now - last_used_at < RESOLUTION_SECONDS:
            return
        with self._lock:
            if token_id in self._pending or len(self._pending) >= _MAX_PENDING:
                return
            self._pending.add(token_id)
        try:
            self._writer.submit(self._write, token_id, now)
        except RuntimeError:  # closed: the server is stopping
            return

    def close(self) -> None:
        """Write the pending uses and accept no more."""
        self._writer.shutdown()

    def _write(self, token_id: str, now: float) -> None:
        try:
            with self._db.write() as db:
                update_last_used(db, token_id, now, if_before=now - RESOLUTION_SECONDS)
        except DatabaseUnavailable:
            log.debug("last use of a token not stored: the database is unavailable")
        finally:
            with self._lock:
                self._pending.discard(token_id)
