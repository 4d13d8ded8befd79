"""The updates of a client as an async iterator, with a bounded memory."""

import asyncio
from collections import deque
from collections.abc import Callable

from cloudchat.client.updates import Update


class Backlog:
    """What one reader has still to read. It is `full` from `most` updates on until the reader has caught up: in between
    the server keeps the events, not this process. The few that arrive then are kept. `on_turn` is called when `full`
    has changed.
    """

    def __init__(self, most: int, on_turn: Callable[[], None]) -> None:
        self.full = False
        self._updates: deque[Update] = deque()
        self._most = most
        self._on_turn = on_turn
        self._news = asyncio.Event()
        self._end: Exception | None = None

    def put(self, update: Update) -> None:
        """One more update."""
        self._updates.append(update)
        self._news.set()
        if not self.full and len(self._updates) >= self._most:
            self.full = True
            self._on_turn()

    async def take(self) -> Update:
        """The next update, once there is one. Raises what ended it."""
        while not self._updates:
            if self.full:
                self.full = False
                self._on_turn()
            if self._end is not None:
                raise self._end
            self._news.clear()
            await self._news.wait()
        return self._updates.popleft()

    def end(self, why: Exception) -> None:
        """No more will come: the reader gets what is there, then `why`."""
        self._end = why
        self._news.set()

    def clear(self) -> None:
        """Nobody will read what is there."""
        self._updates.clear()


class EventStream:
    """Iterate over it, and close it (`contextlib.aclosing`) when the client outlives the reading.

    The client holds the backlog only: so a stream that nobody holds any more, and no reader waits for, closes itself.
    """

    def __init__(self, backlog: Backlog, on_close: Callable[[Backlog], None]) -> None:
        self._backlog = backlog
        self._on_close = on_close

    def __aiter__(self) -> "EventStream":
        return self

    async def __anext__(self) -> Update:
        return await self._backlog.take()

    async def aclose(self) -> None:
        """Read no more: the client keeps nothing for this reader, nor waits for it."""
        self._backlog.clear()
        self._backlog.end(StopAsyncIteration())
        self._on_close(self._backlog)

    def __del__(self) -> None:
        self._on_close(self._backlog)
