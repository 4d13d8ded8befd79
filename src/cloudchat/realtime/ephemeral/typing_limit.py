"""How often `typing` is delivered. Sans-I/O: times are seconds of a monotonic clock.

Two rules bound the work that typists cause:

- A user is announced in a room at most once in `INTERVAL_SECONDS`, however many sockets they type in.
- A process pushes at most `PUSHES_PER_SECOND` such events: in a room of 5,000 members with 200 typists the first rule
  alone would allow 333,000 pushes per second. What exceeds it is dropped.
"""

from cloudchat.rate_limiting.token_bucket import TokenBucket

INTERVAL_SECONDS = 3.0
PUSHES_PER_SECOND = 10_000
"""About a tenth of a core."""
MAX_JITTER_SECONDS = 0.2
"""How much closer together two signals can arrive than they were sent. Without it, the process that receives them would
drop every second announcement of a user who types all the time.
"""
MAX_TYPISTS = 10_000
"""Announced typists that are remembered. At this number, further typists are not announced."""


class TypingLimit:
    """Decides which typing is announced."""

    def __init__(self, now: float, interval_seconds: float = INTERVAL_SECONDS) -> None:
        self._interval_seconds = interval_seconds
        self._announced_at: dict[tuple[str, str], float] = {}
        """By room and user, the oldest first."""
        self._pushes = TokenBucket(PUSHES_PER_SECOND, PUSHES_PER_SECOND, now)

    def announce(self, room: str, user_id: str, now: float, *, pushes: int = 0) -> bool:
        """Return whether to announce that the user types in the room, and count it. `pushes` is what it costs."""
        self._forget(now)
        typist = room, user_id
        if typist in self._announced_at or len(self._announced_at) >= MAX_TYPISTS or self._pushes.wait_ms(now):
            return False
        self._announced_at[typist] = now
        self._pushes.overdraw(pushes, now)
        return True

    def _forget(self, now: float) -> None:
        """Forget the typists who may be announced again."""
        while self._announced_at:
            oldest = next(iter(self._announced_at))
            if now - self._announced_at[oldest] < self._interval_seconds:
                return
            del self._announced_at[oldest]
