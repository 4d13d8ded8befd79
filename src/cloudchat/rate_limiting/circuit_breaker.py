"""A circuit breaker around the store: after a failure, calls skip the store for some seconds."""

import logging

OPEN_SECONDS = 5.0
"""After a failure, skip the store for this long, so that handshakes and logins do not wait for its timeout."""

log = logging.getLogger(__name__)


class CircuitBreaker:
    """Decides whether to call the store. `now` is seconds of a monotonic clock.

    States: closed (every call is allowed), open (none is), half-open (one call tries the store; the others skip it
    until that call has succeeded or another `OPEN_SECONDS` have passed). Logs one line when an outage begins and one
    when it ends. Not thread-safe: a caller with threads holds a lock.
    """

    def __init__(self, counted: str) -> None:
        """Create a closed breaker. `counted` is the log's name for the attempts that are counted."""
        self._counted = counted
        self._outage = False
        self._retry_at = 0.0

    def allows_call(self, now: float) -> bool:
        """Return whether to call the store now. If so, report `success` or `failure` afterwards."""
        if not self._outage:
            return True
        if now < self._retry_at:
            return False
        self._retry_at = now + OPEN_SECONDS  # also if the call is cancelled and reports nothing
        return True

    def success(self) -> None:
        """Close the breaker."""
        if self._outage:
            self._outage = False
            log.info("the store counts again: %s are counted by all processes together", self._counted)

    def failure(self, now: float, error: Exception) -> None:
        """Open the breaker."""
        self._retry_at = now + OPEN_SECONDS
        if not self._outage:
            self._outage = True
            name = type(error.__cause__ or error).__name__  # the text of a library's error can contain the store's URL
            log.warning("the store does not count (%s): %s are counted by this process alone", name, self._counted)
