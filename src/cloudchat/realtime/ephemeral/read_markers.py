"""Write read markers to the database, many in one transaction.

A marker is acknowledged when its transaction has committed, so an acknowledged one survives every crash. While one
transaction runs, all markers that arrive are collected for the next one; several of one user in one room become one
row. So a process makes at most one transaction at a time, and one every `PAUSE_SECONDS`, however much is read.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping

from cloudchat.core.stream_position import StreamPosition
from cloudchat.database.transactions import DatabaseUnavailable

PAUSE_SECONDS = 0.1
MAX_COLLECTED = 10_000
"""Markers that wait for one transaction. More are refused."""
MAX_BATCH = 500
"""Rows of one transaction: SQLite has one writer, and a login waits for it."""

Marker = tuple[str, str]
"""A user's id and a room's id."""
Save = Callable[[Mapping[Marker, StreamPosition]], Awaitable[Mapping[Marker, int]]]
"""Saves markers where they are ahead of the saved ones, and returns the seqs that are saved afterwards.

Raises `DatabaseUnavailable`; then none was saved.
"""


class ReadMarkers:
    """The read markers that this process has been told and has not saved yet."""

    def __init__(self, save: Save) -> None:
        self._save = save
        self._collected: dict[Marker, tuple[StreamPosition, asyncio.Future[int]]] = {}
        self._wake = asyncio.Event()

    def advance(self, user_id: str, room: str, read: StreamPosition) -> asyncio.Future[int]:
        """Record that a user has read a room up to a position. The future is shared: do not cancel it.

        Its result is the seq that is saved: a later one if the user has read more in another socket. It fails with
        `DatabaseUnavailable`.
        """
        marker = user_id, room
        waiting = self._collected.get(marker)
        if waiting is None:
            saved: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            if len(self._collected) >= MAX_COLLECTED:
                saved.set_exception(DatabaseUnavailable("too many read markers are waiting for the database"))
                return saved
            self._collected[marker] = read, saved
            self._wake.set()
            return saved
        position, saved = waiting
        if position.seq < read.seq:
            self._collected[marker] = read, saved
        return saved

    async def run(self) -> None:
        """Save what is collected, until cancelled."""
        while True:
            await self._wake.wait()
            await self.flush()
            await asyncio.sleep(PAUSE_SECONDS)

    async def flush(self) -> None:
        """Save up to `MAX_BATCH` markers, the oldest first."""
        batch = dict(list(self._collected.items())[:MAX_BATCH])
        for marker in batch:
            del self._collected[marker]
        if not self._collected:
            self._wake.clear()
        if not batch:
            return
        saved: Mapping[Marker, int] = {}
        try:
            with contextlib.suppress(DatabaseUnavailable):
                saved = await self._save({marker: position for marker, (position, _) in batch.items()})
        finally:
            for marker, (_, future) in batch.items():
                if marker in saved:
                    future.set_result(saved[marker])
                else:
                    future.set_exception(DatabaseUnavailable("the database does not answer"))
