"""Whether and when to reconnect. Sans-I/O: time and randomness are arguments.

Full jitter (a random point between zero and the exponential bound) spreads a crowd of clients best; plain exponential
delays leave it synchronised (AWS Architecture Blog, "Exponential Backoff And Jitter").
"""

import math
import random
from collections.abc import Callable

from cloudchat.core.reconnect_window import MIN_WINDOW_MS
from cloudchat.protocol.close_codes import CloseCode, Recovery

STABLE_SECONDS = 10.0
"""A connection that lived this long was a success: the next failure counts as the first one again."""
BACK_OFF_SECONDS = 2.0
"""The minimum delay of `Recovery.BACK_OFF`."""

_AFTER_CLOSE: dict[int | None, Recovery] = {int(code): code.recovery for code in CloseCode}
_AFTER_STATUS = {
    400: Recovery.STOP,
    401: Recovery.REFRESH,
    403: Recovery.STOP,
    404: Recovery.STOP,
    426: Recovery.STOP,
    429: Recovery.BACK_OFF,
    503: Recovery.BACK_OFF,
}


def recovery_after_close(code: int | None) -> Recovery:
    """Return what to do after a close code. None and a code that is never sent (1006) mean a lost connection."""
    return _AFTER_CLOSE.get(code, Recovery.RETRY)


def recovery_after_refusal(status: int) -> Recovery:
    """Return what to do after the HTTP status of a refused handshake. Other statuses are a proxy's temporary errors."""
    return _AFTER_STATUS.get(status, Recovery.RETRY)


class ReconnectPolicy:
    """The delays between connections. Times are seconds of a monotonic clock.

    The bound starts at `base_seconds` and doubles with each attempt up to `max_seconds`. For a server that cannot be
    reached it ends at what the last `welcome` named, at most `max_seconds`. `rand` returns numbers in [0, 1).
    """

    def __init__(
        self, *, base_seconds: float = 1.0, max_seconds: float = 30.0, rand: Callable[[], float] = random.random
    ) -> None:
        self._base_seconds = base_seconds
        self._max_seconds = max_seconds
        self._rand = rand
        self._attempt = 0
        self._opened_at: float | None = None
        self._within_seconds = MIN_WINDOW_MS / 1000

    def opened(self, now: float, within_seconds: float = MIN_WINDOW_MS / 1000) -> None:
        """Record that the server sent `welcome`, with its `reconnect_within_ms`."""
        self._opened_at = now
        self._within_seconds = within_seconds

    def delay(self, recovery: Recovery, now: float, server_delay_seconds: float | None = None) -> float:
        """Return the seconds to wait after a connection, or an attempt to open one, has ended.

        `server_delay_seconds` is the delay that the server asked for, if any.
        """
        # `welcome` alone does not reset the attempts: a server that closes right after it would be flooded.
        unstable = self._opened_at is not None and now - self._opened_at < STABLE_SECONDS
        if self._opened_at is not None and not unstable:
            self._attempt = 0
        self._opened_at = None
        attempt, self._attempt = self._attempt, self._attempt + 1
        if server_delay_seconds is not None:
            return server_delay_seconds
        if attempt == 0 and recovery in (Recovery.RETRY_NOW, Recovery.REFRESH):
            return 0.0
        min_seconds = BACK_OFF_SECONDS if recovery is Recovery.BACK_OFF else 0.0
        # A server that accepts and closes at once is not away: clients that return soon would load it.
        is_away = recovery is not Recovery.BACK_OFF and not unstable
        return min_seconds + self.full_jitter(attempt, self._within_seconds if is_away else self._max_seconds)

    def full_jitter(self, attempt: int, max_seconds: float = math.inf) -> float:
        """Return a random time below the bound of this attempt (0 is the first)."""
        return self._rand() * min(max_seconds, self._max_seconds, self._base_seconds * 2.0 ** min(attempt, 30))
