"""Close all sockets when the store has been unreachable for a long time.

A short outage goes unnoticed: clients keep their messages, and missed events are read when the store is back. During a
long outage an open socket would mislead its client, because no event arrives on it. Perhaps only this process is cut
off from the store; then the clients reconnect to another server. Otherwise they show that there is no connection.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from cloudchat.protocol.close_codes import CloseCode
from cloudchat.realtime.connection_registry import ConnectionRegistry

logger = logging.getLogger(__name__)

MAX_OUTAGE_SECONDS = 30.0
CHECK_INTERVAL_SECONDS = 1.0


class StoreOutage:
    """Measures how long the store has been unreachable. `now` is in seconds of a monotonic clock."""

    def __init__(self, now: float) -> None:
        self._reachable_at = now

    def is_long(self, reachable: bool, now: float) -> bool:
        """Record whether the store is reachable now; return whether the outage exceeds MAX_OUTAGE_SECONDS."""
        if reachable:
            self._reachable_at = now
        return now - self._reachable_at > MAX_OUTAGE_SECONDS


async def watch_store(is_reachable: Callable[[], bool], registry: ConnectionRegistry) -> None:
    """Close all sockets during a long outage (4503), forever. Handshakes during the outage are rejected with 503."""
    outage = StoreOutage(time.monotonic())
    while True:
        await asyncio.sleep(CHECK_INTERVAL_SECONDS)
        if outage.is_long(is_reachable(), time.monotonic()) and (connections := registry.all()):
            logger.warning(
                "the store has been unreachable for %d s: closing %d sockets", MAX_OUTAGE_SECONDS, len(connections)
            )
            for connection in connections:
                connection.socket.close(CloseCode.STORE_UNAVAILABLE)
