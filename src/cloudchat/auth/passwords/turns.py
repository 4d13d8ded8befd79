"""The queue in front of the password hashes: requests wait for their turn on the event loop, not in threads.

A class that signs in at nine o'clock is served in the order of arrival. Without the queue, the requests would wait in
the thread pool and take all of its 40 threads from health checks and all other requests.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cloudchat.auth.errors import PasswordHashingOverloaded
from cloudchat.auth.passwords.hashing import MAX_CONCURRENT_HASHES

MAX_TURNS = 2 * MAX_CONCURRENT_HASHES
"""Requests that hash at the same time, with those that query the database before or after it."""
MAX_WAITING = 200
"""About five seconds of hashing."""
MAX_WAIT_SECONDS = 10.0
"""The page gives up a request after 15 seconds."""


class HashingTurns:
    """Admits a few requests at a time, in the order of arrival. Lives on one event loop."""

    def __init__(
        self,
        turns: int = MAX_TURNS,
        *,
        max_waiting: int = MAX_WAITING,
        max_wait_seconds: float = MAX_WAIT_SECONDS,
    ) -> None:
        self._turns = asyncio.Semaphore(turns)  # FIFO
        self._max_waiting = max_waiting
        self._max_wait_seconds = max_wait_seconds
        self._waiting = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold a turn during the block. Raises PasswordHashingOverloaded if too many wait, or for too long."""
        if self._turns.locked() and self._waiting >= self._max_waiting:
            raise _overloaded()
        self._waiting += 1
        try:
            async with asyncio.timeout(self._max_wait_seconds):
                await self._turns.acquire()
        except TimeoutError:
            raise _overloaded() from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._turns.release()


def _overloaded() -> PasswordHashingOverloaded:
    return PasswordHashingOverloaded("too many people are signing in at this moment; try again in some seconds")
