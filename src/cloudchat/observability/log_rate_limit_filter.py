"""Lines that a client causes are bounded, per kind and client: some each minute, then one line that counts the rest."""

import atexit
import logging
import threading
import time

from cloudchat.core.client_network import client_network
from cloudchat.core.log_rate_limit import LogRateLimit
from cloudchat.observability.logging import parts_of

logger = logging.getLogger(__name__)


class LogRateLimitFilter(logging.Filter):
    """For the one handler of a process. Bounds what is marked `RATE_LIMITED`, and whatever uvicorn says."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._budget = LogRateLimit(time.monotonic())
        self._timer: threading.Timer | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        """See `logging.Filter`. Any thread may log."""
        if not getattr(record, "rate_limited", False) and not record.name.startswith("uvicorn"):
            return True
        event, fields = parts_of(record)
        client = str(fields.get("address") or fields.get("user") or "")
        with self._lock:
            now = time.monotonic()
            over = self._budget.seconds_left(now) == 0
            left_out = self._budget.start_window(now) if over else {}
            admitted = self._budget.admit(event, client_network(client) if client else "-")
            if not admitted and self._timer is None:
                # When the flood stops, nothing might be logged for hours: the count comes all the same.
                self._timer = threading.Timer(self._budget.seconds_left(now), self.tell)
                self._timer.daemon = True
                self._timer.start()
                atexit.register(self.tell)
        _tell(left_out)
        return admitted

    def tell(self) -> None:
        """Write how much was left out, and begin anew."""
        with self._lock:
            left_out = self._budget.start_window(time.monotonic())
            self._timer = None
        atexit.unregister(self.tell)
        _tell(left_out)


def _tell(left_out: dict[tuple[str, str], int]) -> None:
    for (kind, client), lines in left_out.items():
        logger.warning("lines left out kind=%s address=%s lines=%d", kind, client, lines)
