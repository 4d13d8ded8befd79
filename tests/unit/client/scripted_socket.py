"""What `open_socket` gives a client: says what the test wants, and gives the test what the client sends."""

import asyncio
import json
from collections.abc import AsyncIterator

from cloudchat.client.errors import ConnectionEnded
from unit.client.frames import Frame, text_of


class ScriptedSocket:
    ended = ConnectionEnded(1006, "connection lost")

    def __init__(self, *frames: Frame) -> None:
        self._said: asyncio.Queue[Frame] = asyncio.Queue()
        self._sent: asyncio.Queue[Frame] = asyncio.Queue()
        self.say(*frames)

    def say(self, *frames: Frame) -> None:
        for frame in frames:
            self._said.put_nowait(frame)

    async def hear(self) -> Frame:
        """The next command that the client sends."""
        async with asyncio.timeout(10):
            return await self._sent.get()

    async def frames(self) -> AsyncIterator[str]:
        while True:
            yield text_of(await self._said.get())

    async def send(self, text: str) -> None:
        self._sent.put_nowait(json.loads(text))

    async def close(self) -> None: ...

    def cut(self) -> None: ...
