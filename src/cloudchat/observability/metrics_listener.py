"""`/metrics` on a separate port, on the loopback interface only: no page and no proxy can reach it.

With several workers, the one that gets the port answers for all of them. When it ends, another one takes the port. It
asks the others over unix sockets in the state directory, `metrics/<number>.sock`.

The number is the lowest that no other worker has, so the successor of a worker gets the same. With pids instead,
every worker ever started would add new time series to Prometheus.
"""

import asyncio
import contextlib
import errno
import fcntl
import logging
import os
import re
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

from cloudchat.observability.metrics import text_of_unresponsive

logger = logging.getLogger(__name__)

PORT_RETRY_SECONDS = 2.0
WORKER_TIMEOUT_SECONDS = 2.0
REQUEST_TIMEOUT_SECONDS = 5.0
MAX_REQUEST_BYTES = 8192
_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_FOLDER = "metrics"
_FAMILY = re.compile(rb"(# HELP .*\n# TYPE .*\n)((?:[^#].*\n)*)")


class MetricsListener:
    """Serve the metrics of this process, and of the other workers with the same state directory."""

    def __init__(self, text: Callable[[int], bytes], port: int, state_folder: Path) -> None:
        self._text = text
        self._port = port
        self._folder = state_folder / _FOLDER
        self._number = -1

    async def run(self) -> None:
        """Serve forever."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        self._number, lock = _acquire_number(folder)
        try:
            with contextlib.closing(_listen(folder, f"{self._number}.sock")) as own:
                async with await asyncio.start_unix_server(self._serve_worker, sock=own):
                    await self._serve_port(folder)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{self._number}.sock", dir_fd=folder)
            os.close(lock)
            os.close(folder)

    async def _serve_port(self, folder: int) -> None:
        is_logged = False
        while True:
            try:
                server = await asyncio.start_server(
                    lambda reader, writer: self._serve_scrape(folder, reader, writer),
                    "127.0.0.1",
                    self._port,
                    limit=MAX_REQUEST_BYTES,
                )
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                if not is_logged:
                    logger.info("another process has the metrics port port=%d", self._port)
                    is_logged = True
                await asyncio.sleep(PORT_RETRY_SECONDS)
            else:
                async with server:
                    await server.serve_forever()

    async def _serve_worker(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Send only the metrics of this process, to another worker."""
        with contextlib.closing(writer), contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(WORKER_TIMEOUT_SECONDS):
                writer.write(self._text(self._number))
                await writer.drain()

    async def _serve_scrape(self, folder: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one HTTP request and close: scrapes are seconds apart."""
        with contextlib.closing(writer), contextlib.suppress(OSError, TimeoutError, asyncio.LimitOverrunError):
            async with asyncio.timeout(REQUEST_TIMEOUT_SECONDS):
                try:
                    request = await reader.readuntil(b"\r\n\r\n")
                except asyncio.IncompleteReadError:
                    return
                if request.startswith((b"GET /metrics ", b"GET /metrics?")):
                    status, kind, body = "200 OK", _CONTENT_TYPE, merge_expositions(await self._all_texts(folder))
                else:
                    status, kind, body = "404 Not Found", "text/plain", b"use GET /metrics\n"
                head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close"
                writer.write(head.encode() + b"\r\n\r\n" + body)
                await writer.drain()

    async def _all_texts(self, folder: int) -> list[bytes]:
        numbers = sorted(int(name.removesuffix(".sock")) for name in os.listdir(folder) if name.endswith(".sock"))
        others = (_fetch_text(folder, number) for number in numbers if number != self._number)
        return [self._text(self._number), *await asyncio.gather(*others)]


def merge_expositions(texts: Sequence[bytes]) -> bytes:
    """Merge the expositions of several processes, whose samples differ in the label `worker`, family by family.

    The text format wants all samples of one metric together. They are not summed: a sum would fall while a worker is
    blocked or being replaced, and Prometheus treats a falling counter as one that restarted from zero, so that
    everything ever counted would be counted again.
    """
    families: dict[bytes, bytes] = {}
    for text in texts:
        for head, samples in _FAMILY.findall(text):
            families[head] = families.get(head, b"") + samples
    return b"".join(head + samples for head, samples in families.items())


def _acquire_number(folder: int) -> tuple[int, int]:
    """Return the lowest free number, and the descriptor whose close frees it; a killed process frees it, too."""
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


def _listen(folder: int, name: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)  # left by a killed worker with the same number
    listener.bind(_socket_path(folder, name))
    return listener


async def _fetch_text(folder: int, number: int) -> bytes:
    """Return the metrics of another worker; nothing if it was killed."""
    try:
        async with asyncio.timeout(WORKER_TIMEOUT_SECONDS):
            reader, writer = await asyncio.open_unix_connection(_socket_path(folder, f"{number}.sock"))
            with contextlib.closing(writer):
                return await reader.read(-1)
    except TimeoutError:
        logger.warning("worker does not answer worker=%d", number)
        return text_of_unresponsive(number)
    except OSError:
        return b""


def _socket_path(folder: int, name: str) -> str:
    # The path of a unix socket has at most 107 bytes; the path of a state directory may be longer.
    return f"/proc/self/fd/{folder}/{name}"
