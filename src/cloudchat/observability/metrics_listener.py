"""`/metrics` on a port of its own, on this machine's loopback alone: no page and no proxy ever gets there.

Of several workers, whichever gets the port answers for all; when it dies, another takes the port. It asks each of them
over a unix socket in the state folder, `metrics/<number>.sock`.

The number is the lowest that no other worker has: of a worker that died, its successor's. A pid in its place would make
new series in Prometheus with each worker that is ever started.
"""

import asyncio
import contextlib
import errno
import fcntl
import logging
import os
import socket
from collections.abc import Callable
from pathlib import Path

from cloudchat.observability.metrics import text_of_blocked
from cloudchat.observability.metrics_join import join

logger = logging.getLogger(__name__)

RETRY_SECONDS = 2.0
ANSWER_SECONDS = 2.0
REQUEST_SECONDS = 5.0
REQUEST_BYTES = 8192
_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_FOLDER = "metrics"


class MetricsListener:
    """Serves the figures of this process, and of those that share its state folder."""

    def __init__(self, text: Callable[[int], bytes], port: int, state_folder: Path) -> None:
        self._text = text
        self._port = port
        self._folder = state_folder / _FOLDER
        self._number = -1

    async def run(self) -> None:
        """Serve, for ever."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        self._number, lock = _take_number(descriptor)
        try:
            with contextlib.closing(_listen_at(descriptor, f"{self._number}.sock")) as own:
                async with await asyncio.start_unix_server(self._tell, sock=own):
                    await self._serve(descriptor)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{self._number}.sock", dir_fd=descriptor)
            os.close(lock)
            os.close(descriptor)

    async def _serve(self, descriptor: int) -> None:
        told = False
        while True:
            try:
                server = await asyncio.start_server(
                    lambda reader, writer: self._answer(descriptor, reader, writer),
                    "127.0.0.1",
                    self._port,
                    limit=REQUEST_BYTES,
                )
            except OSError as problem:
                if problem.errno != errno.EADDRINUSE:
                    raise
                if not told:
                    logger.info("the port of metrics is another process's: port=%d", self._port)
                    told = True
                await asyncio.sleep(RETRY_SECONDS)
            else:
                async with server:
                    await server.serve_forever()

    async def _tell(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The figures of this process alone, to a sibling."""
        with contextlib.closing(writer), contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                writer.write(self._text(self._number))
                await writer.drain()

    async def _answer(self, descriptor: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, one answer, and no more: a scrape comes every few seconds."""
        with contextlib.closing(writer), contextlib.suppress(OSError, TimeoutError, asyncio.LimitOverrunError):
            async with asyncio.timeout(REQUEST_SECONDS):
                try:
                    request = await reader.readuntil(b"\r\n\r\n")
                except asyncio.IncompleteReadError:
                    return
                if request.startswith((b"GET /metrics ", b"GET /metrics?")):
                    status, kind, body = "200 OK", _TEXT, join(await self._of_all(descriptor))
                else:
                    status, kind, body = "404 Not Found", "text/plain", b"ask for GET /metrics\n"
                head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close"
                writer.write(head.encode() + b"\r\n\r\n" + body)
                await writer.drain()

    async def _of_all(self, descriptor: int) -> list[bytes]:
        numbers = sorted(int(name.removesuffix(".sock")) for name in os.listdir(descriptor) if name.endswith(".sock"))
        others = (_ask(descriptor, number) for number in numbers if number != self._number)
        return [self._text(self._number), *await asyncio.gather(*others)]


def _take_number(folder: int) -> tuple[int, int]:
    """The lowest number that nobody has, and the descriptor with which it is given back, by the kernel if need be."""
    number = 0
    while True:
        lock = os.open(f"{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600, dir_fd=folder)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            number += 1
        else:
            return number, lock


def _listen_at(folder: int, name: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)  # of a killed worker that had this number
    listener.bind(_path(folder, name))
    return listener


async def _ask(folder: int, number: int) -> bytes:
    """A sibling's figures; none if it was killed."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_unix_connection(_path(folder, f"{number}.sock"))
            with contextlib.closing(writer):
                return await reader.read(-1)
    except TimeoutError:
        logger.warning("worker %d does not answer", number)
        return text_of_blocked(number)
    except OSError:
        return b""


def _path(folder: int, name: str) -> str:
    # A unix socket's path has 107 bytes at most, a state folder's may have more.
    return f"/proc/self/fd/{folder}/{name}"
