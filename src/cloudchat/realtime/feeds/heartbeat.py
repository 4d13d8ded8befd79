"""Send each connection the `head` of all its rooms at regular intervals. A client that is behind one joins again."""

import asyncio

from cloudchat.realtime.connection import Connection
from cloudchat.realtime.connection_registry import ConnectionRegistry
from cloudchat.realtime.feeds.relay import Relay
from cloudchat.realtime.hub import Hub

MAX_WORK_PER_TICK = 1000
"""After this much work, in heads, other tasks run. A write costs about as much as `HEADS_PER_WRITE` heads."""
HEADS_PER_WRITE = 10


class Heartbeat:
    """The heads of one connection are one write: with one write for each room, a client with 500 rooms costs 500."""

    def __init__(self, relay: Relay, hub: Hub, registry: ConnectionRegistry, seconds: float) -> None:
        self._relay = relay
        self._hub = hub
        self._registry = registry
        self._seconds = seconds

    async def run(self) -> None:
        """Compare the rooms with their logs and send the heads, every `seconds`, until cancelled."""
        while True:
            await asyncio.sleep(self._seconds)
            await self._relay.compare_heads()
            await self.send_heads()

    async def send_heads(self) -> None:
        """Send the heads to all connections."""
        work = 0
        for connection in list(self._registry.all()):
            work += HEADS_PER_WRITE + self._send(connection)
            if work > MAX_WORK_PER_TICK:
                work = 0
                await asyncio.sleep(0)

    def _send(self, connection: Connection) -> int:
        socket = connection.socket
        # A flush may close the connection, which then leaves its rooms.
        for room in list(connection.joined):
            self._hub.flush(room)  # the events before the head
        # Not during a replay, when the client is behind the head.
        heads = [feed.head_frame for room, feed in connection.joined.items() if self._hub.has(room, socket)]
        if heads:
            socket.push(b"".join(heads), ephemeral=True)
        return len(heads)
