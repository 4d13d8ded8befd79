"""A rate limit for log lines, so that a client whose requests are rejected thousands of times cannot fill the disk."""

MAX_LINES_PER_CLIENT = 60
"""Lines of one kind and one client in each window."""
MAX_LINES_PER_KIND = 600
"""Lines of one kind in each window, from all clients."""
WINDOW_SECONDS = 60.0
MAX_KINDS = 100
OTHERS = "others"
"""The name for all clients, or all kinds, beyond those that are counted one by one."""

RATE_LIMITED = {"rate_limited": True}
"""Marks a line that a client can cause as often as it likes: `log.info(…, extra=RATE_LIMITED)`."""


class LogRateLimit:
    """Admits a limited number of lines per window and counts the others. Times are seconds of a monotonic clock.

    Memory is bounded: there are at most `MAX_KINDS` kinds, and each has at most `max_per_kind` clients, because a
    client is stored with its first admitted line.
    """

    def __init__(
        self, now: float, *, max_per_client: int = MAX_LINES_PER_CLIENT, max_per_kind: int = MAX_LINES_PER_KIND
    ) -> None:
        self._max_per_client = max_per_client
        self._max_per_kind = max_per_kind
        self._window_start = now
        self._lines: dict[str, dict[str, int]] = {}
        self._totals: dict[str, int] = {}
        self._suppressed: dict[tuple[str, str], int] = {}

    def admit(self, kind: str, client: str) -> bool:
        """Return whether to write this line. `kind` is the text of the log event."""
        if kind not in self._totals and len(self._totals) >= MAX_KINDS:
            kind = OTHERS
        clients = self._lines.setdefault(kind, {})
        if self._totals.setdefault(kind, 0) >= self._max_per_kind and client not in clients:
            client = OTHERS
        elif clients.get(client, 0) < self._max_per_client and self._totals[kind] < self._max_per_kind:
            clients[client] = clients.get(client, 0) + 1
            self._totals[kind] += 1
            return True
        self._suppressed[kind, client] = self._suppressed.get((kind, client), 0) + 1
        return False

    def seconds_left(self, now: float) -> float:
        """Return the seconds until this window ends, 0 when it has ended."""
        return max(0.0, self._window_start + WINDOW_SECONDS - now)

    def start_window(self, now: float) -> dict[tuple[str, str], int]:
        """Start the next window. Return how many lines of each (kind, client) the last window suppressed."""
        suppressed, self._suppressed = self._suppressed, {}
        self._lines, self._totals, self._window_start = {}, {}, now
        return suppressed
