"""A store that is away for long: sockets are closed, so that their clients find a server that has one, or say so.

A short outage passes unnoticed: messages wait in the clients, and what was missed is read when the store is back. In a
long one an open socket is a lie. Nothing comes on it, and perhaps only this process is cut off from the store.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from cloudchat.protocol.close_codes import CloseCode
from cloudchat.realtime.connection_registry import ConnectionRegistry

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 30.0
LOOK_SECONDS = 1.0


class StoreOutage:
    """How long nothing has been heard of the store. `now` is seconds of a monotonic clock."""

    def __init__(self, now: float) -> None:
        self._seen = now

    def lasts(self, reachable: bool, now: float) -> bool:
        """Note whether the store can be reached now; tell whether it has been away for longer than patience lasts."""
        if reachable:
            self._seen = now
        return now - self._seen > PATIENCE_SECONDS


async def watch_store(reachable: Callable[[], bool], roster: ConnectionRegistry) -> None:
    """Close all sockets, for ever, while the store is away for long. Who comes meanwhile is refused with 503."""
    outage = StoreOutage(time.monotonic())
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if outage.lasts(reachable(), time.monotonic()) and (connections := list(roster.all())):
            logger.warning("the store is away for %d s: closing %d sockets", PATIENCE_SECONDS, len(connections))
            for connection in connections:
                connection.socket.close(CloseCode.STORE_UNAVAILABLE)
