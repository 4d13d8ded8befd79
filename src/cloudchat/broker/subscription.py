"""Receive the events that all processes append, by pub/sub. Delivery is not guaranteed: see broker.py."""

import asyncio
import random
from functools import partial
from typing import Any

import hiredis

from cloudchat.broker import keys
from cloudchat.broker.broker import Listener, OnSignal
from cloudchat.broker.outage_log import OutageLog
from cloudchat.broker.redis_connection import RedisConnection, connect, pack

PING_SECONDS = 5.0
"""A half-open connection is detected within twice this time. What it loses is repaired by reads and by heads."""
RECONNECT_BASE_SECONDS = 0.1
MAX_RECONNECT_SECONDS = 2.0
_SIGNALS = keys.SIGNALS.encode()


class Subscription:
    """One connection for the channels of all subscribed rooms. It reconnects automatically."""

    def __init__(self, url: str, own_channel: str) -> None:
        """`own_channel` is a channel to which only this process subscribes."""
        self._url = url
        # The signals first: see `do_others_listen` in functions/append.lua.
        self._own_channels = [keys.SIGNALS, own_channel]
        self._rooms: set[str] = set()
        self._connection: RedisConnection | None = None
        self._unsent: list[bytes] = []
        self._lost = asyncio.Event()
        self._reply_seen = False
        self._refused = False
        self._outage = OutageLog(begin="the store sends no events", end="the store sends events again")

    @property
    def connected(self) -> bool:
        """Whether events are being received."""
        return self._connection is not None

    def add(self, room: str) -> None:
        """Subscribe to a room, now or with the next connection."""
        self._rooms.add(room)
        self._send(pack("SSUBSCRIBE", keys.channel(room)))

    def remove(self, room: str) -> None:
        """Unsubscribe from a room."""
        self._rooms.discard(room)
        self._send(pack("SUNSUBSCRIBE", keys.channel(room)))

    async def run(self, listener: Listener, on_signal: OnSignal) -> None:
        """Stay connected, pass events to `listener` and signals to `on_signal`, until cancelled."""
        on_reply = partial(self._reply_received, listener, on_signal)
        pause = RECONNECT_BASE_SECONDS
        while True:
            self._lost.clear()
            self._refused = False
            try:
                connection = await connect(self._url, on_reply, self._connection_lost)
            except OSError as error:
                self._outage.failed(str(error) or type(error).__name__)
                await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 (spreads servers, protects nothing)
                pause = min(2 * pause, MAX_RECONNECT_SECONDS)
                continue
            pause = RECONNECT_BASE_SECONDS
            if connection.lost:
                continue
            self._connection = connection
            try:
                # Events published without a connection are missing; the listener reads them on `subscribed`.
                channels = [*self._own_channels, *map(keys.channel, self._rooms)]
                connection.write(b"".join(pack("SSUBSCRIBE", channel) for channel in channels))
                await self._keep_alive()
            finally:
                if self._connection is not None:
                    self._connection.abort()
            if self._refused:  # permissions are not fixed within moments: without a pause, hundreds of tries per second
                await asyncio.sleep(MAX_RECONNECT_SECONDS)

    def _send(self, request: bytes) -> None:
        """Send a request with the others of this tick: a client that comes back joins hundreds of rooms at once.

        One command for each channel: the channels of one command would have to be in one slot of a Redis Cluster.
        """
        if self._connection is None:
            return  # the next connection begins with all rooms
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._flush)
        self._unsent.append(request)

    def _flush(self) -> None:
        requests, self._unsent = self._unsent, []
        if self._connection is not None:
            self._connection.write(b"".join(requests))

    async def _keep_alive(self) -> None:
        """Send pings until the connection is lost. Close it when nothing arrives between two pings."""
        while not self._lost.is_set():
            self._reply_seen = False
            if self._connection is not None:
                self._connection.write(pack("PING"))
            try:
                async with asyncio.timeout(PING_SECONDS):
                    await self._lost.wait()
            except TimeoutError:
                if not self._reply_seen and self._connection is not None:
                    self._outage.failed("the connection is silent: reconnecting")
                    self._connection.abort()

    def _connection_lost(self) -> None:
        self._connection = None
        self._lost.set()

    def _reply_received(self, listener: Listener, on_signal: OnSignal, reply: Any) -> None:
        self._reply_seen = True
        if isinstance(reply, hiredis.ReplyError):
            self._outage.failed(str(reply))
            self._refused = True
            if self._connection is not None:
                self._connection.abort()
        elif isinstance(reply, list) and reply[0] == b"smessage":
            if reply[1] == _SIGNALS:
                on_signal(reply[2])
                return
            epoch, seq, event = reply[2].split(b" ", 2)
            listener.event_received(keys.room_of_channel(reply[1]), epoch.decode(), int(seq), event)
        elif isinstance(reply, list) and reply[0] == b"ssubscribe":
            self._outage.succeeded()
            if reply[1].startswith(keys.ROOM_CHANNELS):
                listener.subscribed(keys.room_of_channel(reply[1]))
