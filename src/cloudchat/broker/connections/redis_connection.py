"""A connection to the store at the level of the Redis protocol (RESP2), for the path of every message.

redis-py awaits each reply separately, which costs 30–40 µs. Here all replies of one read are passed on together.
Replies come in the order of the requests, so a caller matches them by counting. Threads use `blocking_connection`.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, cast

import hiredis

from cloudchat.broker.connections.store_url import parse_store_url

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 3.0
"""A store that is silent for this long is treated as unreachable. The outcome of pending calls is then unknown."""
_INCOMPLETE = object()


class RedisConnection(asyncio.Protocol):
    """Passes each reply to `on_reply`, and calls `on_lost` once. An error reply is a value: `hiredis.ReplyError`."""

    def __init__(self, on_reply: Callable[[Any], None], on_lost: Callable[[], None]) -> None:
        self._on_reply = on_reply
        self._on_lost = on_lost
        self._reader = hiredis.Reader(notEnoughData=_INCOMPLETE)
        self._requests: deque[tuple[asyncio.Future[Any], float]] = deque()
        """The results of `submit` that are still expected, and when each request was sent."""
        self._unsent: list[bytes] = []
        self._transport: asyncio.Transport | None = None

    @property
    def lost(self) -> bool:
        """Whether the connection has ended (`on_lost` was called)."""
        return self._transport is None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._reader.feed(data)
        try:
            while (reply := self._reader.gets()) is not _INCOMPLETE:
                if self._requests:
                    future, _ = self._requests.popleft()
                    if future.done():  # its caller waits no longer
                        continue
                    if isinstance(reply, hiredis.ReplyError):
                        future.set_exception(reply)
                    else:
                        future.set_result(reply)
                else:
                    self._on_reply(reply)
        except hiredis.ProtocolError:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._transport = None
        for future, _ in self._requests:
            if not future.done():
                future.set_exception(ConnectionError("the store closed the connection"))
        self._requests.clear()
        self._on_lost()

    def write(self, requests: bytes) -> None:
        """Send packed requests. On a lost connection this does nothing: `on_lost` was called."""
        if self._transport is not None:
            self._transport.write(requests)

    def abort(self) -> None:
        """Close the connection immediately. `on_lost` follows."""
        if self._transport is not None:
            self._transport.abort()

    def submit(self, request: bytes) -> asyncio.Future[Any]:
        """Send one packed request. The future has its reply; any number of requests may be unanswered.

        The requests of one tick are one write: it wakes the store, which costs more than the request.

        It fails with `hiredis.ReplyError` for an error reply, ConnectionError when the connection ends first.
        """
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        if self._transport is None:
            future.set_exception(ConnectionError("the store closed the connection"))
        else:
            self._requests.append((future, loop.time()))
            if not self._unsent:
                loop.call_soon(self._send_unsent)
            self._unsent.append(request)
        return future

    def _send_unsent(self) -> None:
        requests, self._unsent = self._unsent, []
        self.write(b"".join(requests))

    async def request(self, *command: str | bytes | int) -> Any:
        """Send one command and return its reply. Raises what `submit` raises."""
        return await self.submit(pack(*command))

    def silent_seconds(self, now: float) -> float:
        """Return for how long the oldest request of `submit` has been unanswered. `now` is the event loop's time."""
        return now - self._requests[0][1] if self._requests else 0.0


def pack(*command: str | bytes | int) -> bytes:
    """Return a command as RESP bytes."""
    packed: bytes = hiredis.pack_command(command)  # type: ignore[arg-type]  # its stub forbids mixing str and int
    return packed


def parse_info(reply: bytes) -> dict[str, str]:
    """Return the fields of a reply to INFO."""
    return dict(line.split(":", 1) for line in reply.decode().splitlines() if ":" in line)


async def connect(url: str, on_reply: Callable[[Any], None], on_lost: Callable[[], None]) -> RedisConnection:
    """Open a connection, authenticate and select the database as given in `url`.

    Raises `OSError`, also on a timeout and when the store rejects the password or is still loading its data.
    """
    store = parse_store_url(url)
    loop = asyncio.get_running_loop()

    def create() -> RedisConnection:
        return RedisConnection(on_reply, on_lost)

    async with asyncio.timeout(CONNECT_SECONDS):
        if store.path:
            _, connection = await loop.create_unix_connection(create, store.path)
        else:
            _, connection = await loop.create_connection(create, store.host, store.port, ssl=store.tls_context())
        try:
            for command in store.handshake:
                await connection.request(*command)
        except BaseException as error:
            connection.abort()
            if isinstance(error, hiredis.ReplyError):
                raise OSError(str(error)) from error
            raise
    return connection
