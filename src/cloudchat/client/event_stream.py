"""The updates of a client as an async iterator, with a bounded memory."""

import asyncio
from collections import deque
from collections.abc import Callable

from cloudchat.client.updates import Update


class EventStream:
    """Iterate over it. When the reader is `most` updates behind, `on_full` is called, and `on_empty` once it has caught
    up: in between the server keeps the events, not this process. The few that arrive after `on_full` are kept.
    """

    def __init__(self, most: int, on_full: Callable[[], None], on_empty: Callable[[], None]) -> None:
        self._updates: deque[Update] = deque()
        self._most = most
        self._on_full = on_full
        self._on_empty = on_empty
        self._full = False
        self._news = asyncio.Event()
        self._end: Exception | None = None

    def put(self, update: Update) -> None:
        """One more update."""
        self._updates.append(update)
        self._news.set()
        if not self._full and len(self._updates) >= self._most:
            self._full = True
            self._on_full()

    def end(self, why: Exception) -> None:
        """No more will come: the reader gets what is there, then `why`."""
        self._end = why
        self._news.set()

    def __aiter__(self) -> "EventStream":
        return self

    async def __anext__(self) -> Update:
        while not self._updates:
            if self._full:
                self._full = False
                self._on_empty()
            if self._end is not None:
                raise self._end
            self._news.clear()
            await self._news.wait()
        return self._updates.popleft()
