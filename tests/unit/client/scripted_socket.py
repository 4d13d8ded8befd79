"""A replacement for the socket of `open_socket`: the test writes what the client receives, and reads what it sends."""

import asyncio
import json
from collections.abc import AsyncIterator

from cloudchat.client.errors import ConnectionEnded
from unit.client.frames import Frame, text_of


class ScriptedSocket:
    end = ConnectionEnded(1006, "connection lost")

    def __init__(self, *frames: Frame) -> None:
        self._to_client: asyncio.Queue[Frame] = asyncio.Queue()
        self._from_client: asyncio.Queue[Frame] = asyncio.Queue()
        self.serve(*frames)

    def serve(self, *frames: Frame) -> None:
        """Send frames to the client."""
        for frame in frames:
            self._to_client.put_nowait(frame)

    async def next_command(self) -> Frame:
        """Return the next command that the client sends."""
        async with asyncio.timeout(10):
            return await self._from_client.get()

    async def frames(self) -> AsyncIterator[str]:
        while True:
            yield text_of(await self._to_client.get())

    async def send(self, text: str) -> None:
        self._from_client.put_nowait(json.loads(text))

    async def close(self) -> None: ...

    def abort(self) -> None: ...
