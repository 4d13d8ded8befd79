"""`unread`: how many messages of others a user has not read, in each room.

The read markers come from SQL, because the user may have moved them in another socket or process. The store counts. A
room whose newest event was read costs one look at its head.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

from cloudchat.broker.broker import Broker, Unread, UnreadQuery
from cloudchat.core.stream_position import StreamPosition
from cloudchat.protocol import events
from cloudchat.realtime.connection import Connection
from cloudchat.realtime.membership.room_sync import RoomSync

MAX_ROOMS_PER_CALL = 4
"""Rooms that are counted in one batch. The store takes 3 ms for 1,000 messages, during which it accepts no others. The
user's budget of reads is checked between two batches.
"""
SCANNED_BYTE_COST = 0.25
"""What a byte that the store looks at costs of the user's budget of reads: it is not sent."""
NOTHING = Unread(0, 0, 0, 0)


class ReadPositionReader(Protocol):
    """What is needed of SQL."""

    async def read_positions_of(self, user_id: str) -> Mapping[str, StreamPosition]:
        """Return the user's read positions by room. Raises `DatabaseUnavailable`."""


class UnreadCounter:
    """Counts the unread messages of a connection's user."""

    def __init__(self, broker: Broker, positions: ReadPositionReader, rooms: RoomSync) -> None:
        self._broker = broker
        self._positions = positions
        self._rooms = rooms

    async def count(self, connection: Connection) -> list[events.UnreadRoom]:
        """Return the counts of all rooms of the user. Raises `BrokerUnavailable`, `DatabaseUnavailable`."""
        user = connection.principal.user_id
        positions = await self._positions.read_positions_of(user)
        rooms = list(connection.rooms)
        # Not the positions in memory: a message that another process has acknowledged may be on its way.
        heads = await self._broker.heads(rooms)
        queries = [
            UnreadQuery(room, read)
            for room, head in zip(rooms, heads, strict=True)
            if head.seq and (read := positions.get(room, StreamPosition("", 0))) != head
        ]
        counts = await self._count(connection, queries)
        return [
            events.UnreadRoom(room=room, unread=found.messages, mentions=found.mentions)
            for room in rooms
            if room in connection.rooms  # the user may have left it meanwhile
            for found in [counts.get(room, NOTHING)]
        ]

    async def _count(self, connection: Connection, queries: Sequence[UnreadQuery]) -> dict[str, Unread]:
        counts: dict[str, Unread] = {}
        for start in range(0, len(queries), MAX_ROOMS_PER_CALL):
            part = queries[start : start + MAX_ROOMS_PER_CALL]
            await asyncio.sleep(connection.reads.wait_ms(time.monotonic()) / 1000)
            found = await self._broker.unread(connection.principal.user_id, part)
            scanned = sum(room.bytes_scanned for room in found)
            connection.reads.charge(int(scanned * SCANNED_BYTE_COST), time.monotonic())
            for query, count in zip(part, found, strict=True):
                # What was read of the log shows whether the membership has changed since it was loaded.
                if await self._rooms.is_member(connection, query.room, count.version):
                    counts[query.room] = count
        return counts
