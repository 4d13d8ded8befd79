"""How many lines of one kind the log takes in a minute: whoever is refused a thousand times must not fill a disk."""

PER_CLIENT = 60
PER_KIND = 600
WINDOW_SECONDS = 60.0
MAX_KINDS = 100
OTHERS = "others"
"""Stands for the clients, or the kinds, beyond those that are counted one by one."""

RATE_LIMITED = {"bounded": True}
"""`log.info(…, extra=RATE_LIMITED)`: a line that a client causes, as often as it likes."""


class LogRateLimit:
    """Admits so many lines per kind and client, and per kind, and counts the rest. Time arrives as `now`, in seconds.

    Memory is bounded: a kind has at most `per_kind` clients, since each had a line, and there are `MAX_KINDS` kinds.
    """

    def __init__(self, now: float, *, per_client: int = PER_CLIENT, per_kind: int = PER_KIND) -> None:
        self._per_client = per_client
        self._per_kind = per_kind
        self._since = now
        self._lines: dict[str, dict[str, int]] = {}
        self._totals: dict[str, int] = {}
        self._left_out: dict[tuple[str, str], int] = {}

    def admit(self, kind: str, client: str) -> bool:
        """Whether this line is to be written."""
        if kind not in self._totals and len(self._totals) >= MAX_KINDS:
            kind = OTHERS
        clients = self._lines.setdefault(kind, {})
        if self._totals.setdefault(kind, 0) >= self._per_kind and client not in clients:
            client = OTHERS
        elif clients.get(client, 0) < self._per_client and self._totals[kind] < self._per_kind:
            clients[client] = clients.get(client, 0) + 1
            self._totals[kind] += 1
            return True
        self._left_out[kind, client] = self._left_out.get((kind, client), 0) + 1
        return False

    def wait(self, now: float) -> float:
        """Seconds until this window is over; 0 when it is."""
        return max(0.0, self._since + WINDOW_SECONDS - now)

    def start_window(self, now: float) -> dict[tuple[str, str], int]:
        """The next window. Returns how many lines of each (kind, client) the last one left out."""
        left_out, self._left_out = self._left_out, {}
        self._lines, self._totals, self._since = {}, {}, now
        return left_out
