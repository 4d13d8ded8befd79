"""A minimal load balancer: it forwards each connection to the next server that accepts it."""

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self


class Balancer:
    """Forward TCP connections to `ports` in turn, in its own thread. Connections to a dead server are closed.

    `rewrite` changes the head of the first request of each connection, as a reverse proxy does.
    """

    def __init__(self, ports: Sequence[int], rewrite: Callable[[bytes], bytes] | None = None) -> None:
        self._ports = list(ports)
        self._rewrite = rewrite
        self._turn = itertools.count()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="balancer", daemon=True)
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    def __enter__(self) -> Self:
        self._thread.start()
        listening = asyncio.start_server(self._forward, "127.0.0.1", 0)
        server = asyncio.run_coroutine_threadsafe(listening, self._loop).result(10)
        self.port = server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def _forward(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        first = next(self._turn)
        for number in range(len(self._ports)):
            port = self._ports[(first + number) % len(self._ports)]
            with contextlib.suppress(OSError):
                server, to_server = await asyncio.open_connection("127.0.0.1", port)
                if self._rewrite is not None:
                    to_server.write(self._rewrite(await client.readuntil(b"\r\n\r\n")))
                await asyncio.gather(_pump(client, to_server), _pump(server, to_client))
                return
        to_client.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        writer.transport.abort()
    finally:
        writer.close()
