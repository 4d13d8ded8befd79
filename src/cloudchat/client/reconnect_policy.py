"""When to try again: apart from the socket, with time and randomness as arguments.

Full jitter (a random point between nothing and the exponential bound) spreads a crowd best; plain exponential delays
keep it marching in step (AWS Architecture Blog, "Exponential Backoff And Jitter").
"""

import random
from collections.abc import Callable

from cloudchat.client.close_rules import Reaction

STABLE_SECONDS = 10.0
"""A connection that lived this long was a good one: the next failure is a first one again."""
BACK_OFF_FLOOR_SECONDS = 2.0


class ReconnectPolicy:
    """Times are seconds of a monotonic clock. `rand` returns numbers in [0, 1)."""

    def __init__(
        self, *, first_bound: float = 1.0, last_bound: float = 30.0, rand: Callable[[], float] = random.random
    ) -> None:
        self._first_bound = first_bound
        self._last_bound = last_bound
        self._rand = rand
        self._attempt = 0
        self._opened_at: float | None = None

    def opened(self, now: float) -> None:
        """The server said welcome."""
        self._opened_at = now

    def delay(self, reaction: Reaction, now: float, asked: float | None = None) -> float:
        """Seconds to wait after a connection or an attempt ended. `asked` is what the server named, if it did."""
        # Welcome alone resets nothing: a server that greets and closes would be hammered.
        if self._opened_at is not None and now - self._opened_at >= STABLE_SECONDS:
            self._attempt = 0
        self._opened_at = None
        attempt, self._attempt = self._attempt, self._attempt + 1
        if asked is not None:
            return asked
        if attempt == 0 and reaction in (Reaction.RETRY_NOW, Reaction.REFRESH):
            return 0.0
        floor = BACK_OFF_FLOOR_SECONDS if reaction is Reaction.BACK_OFF else 0.0
        return floor + self.jitter(attempt)

    def jitter(self, attempt: int) -> float:
        """A random time below the bound of this attempt (0 is the first)."""
        return self._rand() * min(self._last_bound, self._first_bound * 2.0 ** min(attempt, 30))
