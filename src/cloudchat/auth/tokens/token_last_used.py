"""When API tokens were last used: to the hour, and never in the way of the request that uses one."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

from cloudchat.auth.sessions.repository import note_token_use
from cloudchat.database.transactions import Database, DatabaseUnavailable

COARSE_SECONDS = 3600.0
_MAX_WAITING = 1000

log = logging.getLogger("cloudchat.auth")


class TokenLastUsed:
    """Writes uses down from a thread of its own. A use that can't be written is forgotten: the next one comes."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="token-uses")
        self._waiting: set[str] = set()
        self._lock = threading.Lock()

    def note(self, token_id: str, last_used_at: float | None, now: float) -> None:
        """A token was used now; `last_used_at` is what its row says. At most one write an hour for each token."""
        if last_used_at is not None and now - last_used_at < COARSE_SECONDS:
            return
        with self._lock:
            if token_id in self._waiting or len(self._waiting) >= _MAX_WAITING:
                return
            self._waiting.add(token_id)
        try:
            self._writer.submit(self._write, token_id, now)
        except RuntimeError:  # closed: the server is stopping
            return

    def close(self) -> None:
        """Write what waits, and take no more."""
        self._writer.shutdown()

    def _write(self, token_id: str, now: float) -> None:
        try:
            with self._db.write() as db:
                note_token_use(db, token_id, now, unless_since=now - COARSE_SECONDS)
        except DatabaseUnavailable:
            log.debug("a token's use was not written down")
        finally:
            with self._lock:
                self._waiting.discard(token_id)
