"""A store that is scripted at the level of the Redis protocol, for what a real one does only rarely."""

import asyncio
from pathlib import Path


class ScriptedStore:
    """Answers the first commands of each connection with `answers`, then no more. Counts its connections."""

    def __init__(self, path: Path, *answers: bytes) -> None:
        self.url = f"unix://{path}"
        self._path = path
        self._answers = answers
        self.connections = 0
        self.closed = asyncio.Semaphore(0)
        """Released once for each connection that has ended."""

    async def start(self) -> None:
        await asyncio.start_unix_server(self._serve, self._path)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        for answer in self._answers:
            await reader.read(1 << 20)
            writer.write(answer)
        while await reader.read(1 << 20):
            pass
        writer.close()
        self.closed.release()
