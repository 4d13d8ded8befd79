"""One connection to the store at the level of the protocol: on the path of every message, so as thin as it can be.

redis-py's own connection awaits each reply by itself (30–40 µs); here all replies that came in one read are handed out
in one go. Everything off that path uses redis-py. Requests are answered in order (RESP2), so a caller matches replies
to requests by counting.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from typing import Any, cast

import hiredis
from redis.asyncio.connection import parse_url

CONNECT_SECONDS = 2.0
_INCOMPLETE = object()


class RedisConnection(asyncio.Protocol):
    """Hands each reply to `on_reply` and tells `on_lost` once. An error reply is a value: `hiredis.ReplyError`."""

    def __init__(self, on_reply: Callable[[Any], None], on_lost: Callable[[], None]) -> None:
        self._on_reply = on_reply
        self._on_lost = on_lost
        self._reader = hiredis.Reader(notEnoughData=_INCOMPLETE)
        self._asked: deque[asyncio.Future[Any]] = deque()
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
                if self._asked:
                    answer = self._asked.popleft()
                    if not answer.done():
                        answer.set_result(reply)
                else:
                    self._on_reply(reply)
        except hiredis.ProtocolError:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._transport = None
        for answer in self._asked:
            if not answer.done():
                answer.set_exception(ConnectionError("the store closed the connection"))
        self._asked.clear()
        self._on_lost()

    def write(self, requests: bytes) -> None:
        """Send packed requests; on a lost link this does nothing, and `on_lost` has said so."""
        if self._transport is not None:
            self._transport.write(requests)

    def abort(self) -> None:
        """Cut the connection; `on_lost` follows."""
        if self._transport is not None:
            self._transport.abort()

    async def ask(self, *request: str | bytes | int) -> Any:
        """Send one request and wait for its reply, while no other is under way.

        Raises `hiredis.ReplyError` or `ConnectionError`.
        """
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked.append(answer)
        self.write(pack(*request))
        reply = await answer
        if isinstance(reply, hiredis.ReplyError):
            raise reply
        return reply


def pack(*request: str | bytes | int) -> bytes:
    """One request as the wire has it."""
    packed: bytes = hiredis.pack_command(request)  # type: ignore[arg-type]  # its stub forbids mixing str and int
    return packed


async def connect(url: str, on_reply: Callable[[Any], None], on_lost: Callable[[], None]) -> RedisConnection:
    """Open a link, sign in and select the database, all as `url` says.

    Raises `OSError` (also on a timeout, and on a store that refuses the password or is still loading).
    """
    options = parse_url(url)
    loop = asyncio.get_running_loop()

    def make() -> RedisConnection:
        return RedisConnection(on_reply, on_lost)

    async with asyncio.timeout(CONNECT_SECONDS):
        if "path" in options:
            _, link = await loop.create_unix_connection(make, options["path"])
        else:
            _, link = await loop.create_connection(
                make,
                options.get("host", "localhost"),
                options.get("port", 6379),
                ssl=_tls(options) if url.startswith("rediss:") else None,
            )
        try:
            if options.get("password"):
                await link.ask("AUTH", options.get("username") or "default", options["password"])
            if options.get("db"):
                await link.ask("SELECT", options["db"])
            await link.ask("PING")
        except BaseException as problem:
            link.abort()
            if isinstance(problem, hiredis.ReplyError):
                raise OSError(str(problem)) from problem
            raise
    return link


def _tls(options: Any) -> ssl.SSLContext:
    """The store's certificate is checked unless the URL says `ssl_cert_reqs=none`, as with redis-py."""
    context = ssl.create_default_context(cafile=options.get("ssl_ca_certs"))
    if options.get("ssl_cert_reqs") == "none":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
