"""Drop the events of erased users from the memory of the feeds: they have the old names.

When an erasure is finished, the name is replaced in the log. Every process polls for such erasures, so that nothing
rests on a message. Joins then read from the log.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Protocol

from cloudchat.database.transactions import DatabaseUnavailable

logger = logging.getLogger(__name__)

INTERVAL_SECONDS = 2.0
OVERLAP_SECONDS = 900.0
"""Each query overlaps the last one, for clocks that differ and transactions that commit late."""

ReadErased = Callable[[float], Awaitable[Collection[str]]]
"""Returns the ids of users whose erasure was finished since an instant. Raises `DatabaseUnavailable`."""


class Feeds(Protocol):
    """What is needed of the relay."""

    def forget_user(self, user_id: str) -> None:
        """Drop the frames in memory that name the user."""


class ErasedNames:
    """Polls for erasures that were finished."""

    def __init__(self, read: ReadErased, feeds: Feeds) -> None:
        self._read = read
        self._feeds = feeds
        self._forgotten: frozenset[str] = frozenset()
        self._read_at = time.time()

    async def run(self) -> None:
        """Check until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            try:
                await self.check(time.time())
            except DatabaseUnavailable:
                logger.warning("finished erasures cannot be read")

    async def check(self, now: float) -> None:
        """Drop what is in memory of the users who were erased since the last check. Raises `DatabaseUnavailable`."""
        erased = frozenset(await self._read(min(now, self._read_at) - OVERLAP_SECONDS))
        for user_id in erased - self._forgotten:
            self._feeds.forget_user(user_id)
        self._forgotten, self._read_at = erased, now
