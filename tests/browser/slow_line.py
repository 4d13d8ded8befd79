"""`SlowLine`: a TCP proxy with the speed and the round trip of a phone's network, for all bytes and connections."""

import asyncio
import threading
import time
from types import TracebackType
from typing import Self

_STOP_SECONDS = 10
_CHUNK_BYTES = 1_460
"""A TCP segment: smaller steps than the queue of a real line."""


class SlowLine:
    """A proxy to a port on this machine, in a thread of its own. Use as a context manager.

    All connections share one line in each direction. A new connection costs one round trip before its first byte
    arrives, as TCP's handshake does.
    """

    def __init__(self, target: int, bits_per_second: int, round_trip_ms: int) -> None:
        self._target = target
        self._seconds_per_byte = 8 / bits_per_second
        self._one_way_seconds = round_trip_ms / 2000
        self._free_at = {"up": 0.0, "down": 0.0}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._tasks: list[asyncio.Task[None]] = []
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._connect, "127.0.0.1", 0, limit=_CHUNK_BYTES), self._loop
        ).result()
        self.port = server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._cancel_all(), self._loop).result(_STOP_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_STOP_SECONDS)
        self._loop.close()

    async def _cancel_all(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _connect(self, near: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2 * self._one_way_seconds)
        far, server = await asyncio.open_connection("127.0.0.1", self._target)
        for name, reader, writer in (("up", near, server), ("down", far, client)):
            self._tasks.append(asyncio.ensure_future(self._carry(name, reader, writer)))

    async def _carry(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(maxsize=200)
        delivery = asyncio.ensure_future(_deliver(queue, writer))
        while data := await reader.read(_CHUNK_BYTES):
            start = max(time.monotonic(), self._free_at[name])
            self._free_at[name] = start + len(data) * self._seconds_per_byte
            await queue.put((self._free_at[name] + self._one_way_seconds, data))
        await queue.put((time.monotonic() + self._one_way_seconds, b""))
        await delivery


async def _deliver(queue: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
    """Empty the queue until its end, also after the receiver has closed: a full queue would stop the sender."""
    while True:
        due, data = await queue.get()
        await asyncio.sleep(max(0, due - time.monotonic()))
        if not data:
            writer.close()
            return
        if not writer.is_closing():
            writer.write(data)
