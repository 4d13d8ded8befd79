"""A client's updates as an async iterator with bounded memory."""

import asyncio
from collections import deque
from collections.abc import Callable

from cloudchat.client.protocol.updates import Update


class UpdateBuffer:
    """The updates that one reader has not read yet.

    With `max_updates` it becomes `full`, and stays so until the reader has read everything. While it is full the client
    leaves its rooms, so the events wait in the server's log and not in this process. The few updates that still arrive
    are buffered.
    """

    def __init__(self, max_updates: int, on_full_changed: Callable[[], None]) -> None:
        self.full = False
        self._updates: deque[Update] = deque()
        self._max_updates = max_updates
        self._on_full_changed = on_full_changed
        self._changed = asyncio.Event()
        self._end: Exception | None = None

    def put(self, update: Update) -> None:
        """Add an update."""
        self._updates.append(update)
        self._changed.set()
        if not self.full and len(self._updates) >= self._max_updates:
            self.full = True
            self._on_full_changed()

    async def get(self) -> Update:
        """Wait for the next update and return it. After the last one, raise the exception given to `end`."""
        while not self._updates:
            if self.full:
                self.full = False
                self._on_full_changed()
            if self._end is not None:
                raise self._end
            self._changed.clear()
            await self._changed.wait()
        return self._updates.popleft()

    def end(self, error: Exception) -> None:
        """Raise `error` in the reader after the buffered updates."""
        self._end = error
        self._changed.set()

    def clear(self) -> None:
        """Drop the buffered updates."""
        self._updates.clear()


class UpdateStream:
    """An iterator over updates. Close it (`contextlib.aclosing`) if the client lives longer than the iteration.

    The client references only the buffer. So a stream that is neither referenced nor being read is garbage-collected,
    which closes it.
    """

    def __init__(self, buffer: UpdateBuffer, on_close: Callable[[UpdateBuffer], None]) -> None:
        self._buffer = buffer
        self._on_close = on_close

    def __aiter__(self) -> "UpdateStream":
        return self

    async def __anext__(self) -> Update:
        return await self._buffer.get()

    async def aclose(self) -> None:
        """Stop reading: the client buffers nothing more for this stream."""
        self._buffer.clear()
        self._buffer.end(StopAsyncIteration())
        self._on_close(self._buffer)

    def __del__(self) -> None:
        self._on_close(self._buffer)
