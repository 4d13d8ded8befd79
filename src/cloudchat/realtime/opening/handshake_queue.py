"""Bounds how many handshakes are processed at the same time. The others wait for their turn, in order.

After a restart of a server or a proxy all clients reconnect at once. When thousands of handshakes were processed at
once, each other request and `/healthz` waited for 7 s: load balancers took the server out, and the store seemed to be
away because its answers were read too late.
"""

import asyncio

from cloudchat.protocol.errors import ErrorCode
from cloudchat.realtime.opening.handshake import HandshakeRejection

MAX_CONCURRENT = 64
"""They share calls to the store and reads of the database. With 8, three times as many of both were needed."""
MAX_WAITING = 5000
"""As many as are processed within MAX_WAIT_SECONDS."""
MAX_WAIT_SECONDS = 8.0
"""Less than the time in which a handshake must be complete, so that the client receives an answer."""
RETRY_AFTER_SECONDS = 5


class HandshakeQueue:
    """Gives turns to handshakes: `async with queue`. It is bounded in number and in time."""

    def __init__(self, *, concurrent: int = MAX_CONCURRENT, waiting: int = MAX_WAITING) -> None:
        self._free = asyncio.Semaphore(concurrent)
        self._max_waiting = waiting
        self._waiting = 0

    async def __aenter__(self) -> None:
        """Wait for a turn, and keep it for the block. Raises `HandshakeRejection` (503) if too many wait."""
        if self._free.locked():
            await self._wait()
        else:
            await self._free.acquire()  # returns at once

    async def __aexit__(self, *_: object) -> None:
        """Give the turn to the next handshake."""
        self._free.release()

    async def _wait(self) -> None:
        if self._waiting >= self._max_waiting:
            raise _busy()
        self._waiting += 1
        try:
            async with asyncio.timeout(MAX_WAIT_SECONDS):
                await self._free.acquire()
        except TimeoutError:
            raise _busy() from None
        finally:
            self._waiting -= 1


def _busy() -> HandshakeRejection:
    message = "many clients connect at this moment; try again"
    return HandshakeRejection(ErrorCode.UNAVAILABLE, message, retry_after_seconds=RETRY_AFTER_SECONDS)
