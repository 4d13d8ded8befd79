"""Hearing what other processes append. It wakes and promises nothing: see broker.py."""

import asyncio
import logging
import random
from typing import Any

import hiredis

from cloudchat.broker import keys
from cloudchat.broker.broker import Listener
from cloudchat.broker.redis_connection import RedisConnection, connect, pack

logger = logging.getLogger(__name__)

PING_SECONDS = 5.0
"""A half-open connection is found out within twice this; until then reads and heads repair what it loses."""
RECONNECT_SECONDS = 0.1, 2.0


class Subscription:
    """One connection that hears the channels of all rooms this process cares for, and comes back by itself."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._listener: Listener | None = None
        self._rooms: set[str] = set()
        self._link: RedisConnection | None = None
        self._gone = asyncio.Event()
        self._alive = False
        self._refused = False

    @property
    def connected(self) -> bool:
        """Whether events are being heard now."""
        return self._link is not None

    def add(self, room: str) -> None:
        """Hear a room, now or as soon as there is a connection."""
        self._rooms.add(room)
        if self._link is not None:
            self._link.write(pack("SSUBSCRIBE", keys.channel(room)))

    def remove(self, room: str) -> None:
        """Hear a room no more."""
        self._rooms.discard(room)
        if self._link is not None:
            self._link.write(pack("SUNSUBSCRIBE", keys.channel(room)))

    async def run(self, listener: Listener) -> None:
        """Keep the connection, and call the listener. Returns only by cancellation."""
        self._listener = listener
        pause, longest = RECONNECT_SECONDS
        while True:
            self._gone.clear()
            self._refused = False
            try:
                link = await connect(self._url, self._heard, self._lost)
            except OSError as problem:
                logger.warning("subscription: store unreachable: %s", problem)
                await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 (spreads servers, guards nothing)
                pause = min(2 * pause, longest)
                continue
            pause = RECONNECT_SECONDS[0]
            if link.lost:
                continue
            self._link = link
            try:
                # After a reconnect too: what was said in between is read again on each room's `subscribed`.
                link.write(b"".join(pack("SSUBSCRIBE", keys.channel(room)) for room in self._rooms))
                await self._keep_alive()
            finally:
                if self._link is not None:
                    self._link.abort()
            if self._refused:  # rights that are missing are not there at once: not hundreds of tries a second
                await asyncio.sleep(longest)

    async def _keep_alive(self) -> None:
        while not self._gone.is_set():
            self._alive = False
            if self._link is not None:
                self._link.write(pack("PING"))
            try:
                async with asyncio.timeout(PING_SECONDS):
                    await self._gone.wait()
            except TimeoutError:
                if not self._alive and self._link is not None:
                    logger.warning("subscription: the store is silent, connecting anew")
                    self._link.abort()

    def _lost(self) -> None:
        self._link = None
        self._gone.set()

    def _heard(self, reply: Any) -> None:
        assert self._listener is not None  # noqa: S101 (connected by `run`)
        self._alive = True
        if isinstance(reply, hiredis.ReplyError):
            logger.error("subscription refused: %s", reply)
            self._refused = True
            if self._link is not None:
                self._link.abort()
        elif isinstance(reply, list) and reply[0] == b"smessage":
            epoch, seq, event = reply[2].split(b" ", 2)
            self._listener.event_received(keys.room_of(reply[1]), epoch.decode(), int(seq), event)
        elif isinstance(reply, list) and reply[0] == b"ssubscribe":
            self._listener.subscribed(keys.room_of(reply[1]))
