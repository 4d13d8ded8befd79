"""Appends on their way to the store: those of one tick of the loop leave as one write, and share one fsync.

The store writes each append to disk before it answers (`appendfsync always`): 2.5–3 k/s when one waits for the other,
28–38 k/s when they share. So nothing here waits: requests leave at the end of the tick, whatever is still unanswered,
in one connection, which also keeps the order of one sender's messages.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any

import hiredis

from cloudchat.broker.broker import Appended, BrokerUnavailable, Done
from cloudchat.broker.redis_connection import RedisConnection, connect, pack
from cloudchat.core.histogram import Histogram

logger = logging.getLogger(__name__)

FUNCTIONS = files("cloudchat.broker").joinpath("functions.lua").read_text()
ANSWER_SECONDS = 3.0
"""A store that is silent for so long is given up; what was asked has an unknown outcome, which the cid makes safe."""
MAX_WAITING = 20_000
"""More appends than this are refused at once: memory is bounded, and none of them would be answered in time."""
RECONNECT_SECONDS = 0.1

Request = Callable[[], bytes]
"""Packs a request in the moment in which it leaves, with what is known then."""


class AppendPipeline:
    """Sends requests, matches answers. Of a lost connection everybody who waits is told, once."""

    def __init__(self, url: str, settled: Callable[[], None], prepare: Callable[[], Awaitable[None]]) -> None:
        """`settled` is called when the last append under way has been answered.

        `prepare` is awaited with each new connection, before anything is sent on it; it must not raise.
        """
        self._url = url
        self._settled = settled
        self._prepare = prepare
        self._unsent: list[tuple[Request, Done]] = []
        self._unanswered: deque[tuple[float, Done]] = deque()
        self._link: RedisConnection | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._flush_scheduled = False
        self._watch: asyncio.TimerHandle | None = None
        self._closed = False
        self.seconds = Histogram()
        """From an append's departure to the store's answer."""

    @property
    def busy(self) -> bool:
        """Whether appends are under way."""
        return bool(self._unanswered or self._unsent)

    def submit(self, request: Request, done: Done) -> None:
        """Send a request with the others of this tick, or with those that wait for a connection."""
        if self._closed or len(self._unsent) + len(self._unanswered) >= MAX_WAITING:
            done(BrokerUnavailable("the store is too far behind"))
            return
        self._unsent.append((request, done))
        if not self._flush_scheduled:
            self._flush_scheduled = True
            asyncio.get_running_loop().call_soon(self._flush)

    async def close(self) -> None:
        """Give up the connection; who still waits is told so."""
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
        if self._link is not None:
            self._link.abort()
        self._fail("the server stops")

    def _flush(self) -> None:
        self._flush_scheduled = False
        if self._link is None:
            if self._connecting is None:
                self._connecting = asyncio.get_running_loop().create_task(self._connect())
            return
        batch, self._unsent = self._unsent, []
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._unanswered.extend((now, done) for _, done in batch)
        self._link.write(b"".join([request() for request, _ in batch]))
        if self._watch is None and self._unanswered:
            self._watch = loop.call_later(ANSWER_SECONDS, self._check_silence)

    async def _connect(self) -> None:
        """Connect, load the functions, send what waits; or tell those who wait that there is no store now."""
        link: RedisConnection | None = None
        try:
            link = await connect(self._url, self._answered, self._lost)
            async with asyncio.timeout(ANSWER_SECONDS):  # it may stop between its first answer and this one
                await link.ask("FUNCTION", "LOAD", "REPLACE", FUNCTIONS)
            await self._prepare()
            if link.lost:  # since the answer: `_lost` has been called already
                raise ConnectionError("the store closed the connection")
            self._link = link
        except (OSError, hiredis.ReplyError) as problem:
            logger.warning("store unreachable: %s", problem)
            self._fail("the store cannot be reached")
            # Who asks in the meantime waits for the next try: without this pause a crowd would be a connect flood.
            await asyncio.sleep(RECONNECT_SECONDS)
        finally:
            self._connecting = None
            if link is not None and link is not self._link:
                link.abort()  # a store that is full refuses the functions, and would be left with one more connection
        if self._unsent:
            self._flush()

    def _answered(self, reply: Any) -> None:
        sent_at, done = self._unanswered.popleft()
        self.seconds.observe(asyncio.get_running_loop().time() - sent_at)
        if isinstance(reply, hiredis.ReplyError):
            done(BrokerUnavailable(f"the store refused: {reply}"))
            if "Function not found" in str(reply) and self._link is not None:
                self._link.abort()  # somebody flushed the functions: they are loaded with the next connection
            return
        epoch, place, duplicate = reply
        seq, _, at = place.decode().partition(" ")
        done(Appended(int(seq), epoch.decode(), at, bool(duplicate)))
        if not self.busy:
            self._settled()

    def _lost(self) -> None:
        self._link = None
        self._fail("the store went away")

    def _check_silence(self) -> None:
        self._watch = None
        if not self._unanswered:
            return
        loop = asyncio.get_running_loop()
        due = self._unanswered[0][0] + ANSWER_SECONDS
        if due > loop.time():
            self._watch = loop.call_at(due, self._check_silence)
        elif self._link is not None:
            self._link.abort()

    def _fail(self, why: str) -> None:
        waiting: list[Callable[..., None]] = [done for _, done in self._unanswered]
        waiting += [done for _, done in self._unsent]
        self._unanswered.clear()
        self._unsent = []
        for done in waiting:
            done(BrokerUnavailable(why))
        self._settled()


__all__ = ["ANSWER_SECONDS", "FUNCTIONS", "AppendPipeline", "pack"]
