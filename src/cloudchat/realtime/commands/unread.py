"""`unread`: how many messages of others a user has not read, in each room.

The read markers come from SQL, because the user may have moved them in another socket or process. The store counts in
the newest part of the log. A room whose newest event was read costs one look at its head. What is older than that part
is counted in the archive, for many rooms by one statement.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from msgspec.structs import replace

from cloudchat.archive.unread.repository import ArchivedUnread, UnreadRange
from cloudchat.broker.broker import Broker
from cloudchat.broker.reads import Unread, UnreadQuery
from cloudchat.core.stream_position import StreamPosition
from cloudchat.protocol import replies
from cloudchat.realtime.connection import Connection
from cloudchat.realtime.membership.room_sync import RoomSync

MAX_UNREAD = 1000
MAX_ROOMS_PER_CALL = 4
"""Rooms that are counted in one batch. The store takes 3 ms for 1,000 messages, during which it accepts no others. The
user's budget of reads is checked between two batches.
"""
MAX_ROOMS_PER_STATEMENT = 25
"""Rooms that are counted in the archive by one statement."""
ARCHIVED_EVENTS_PER_ROUND = (2_000, 8_000, 32_000)
"""How far back a room is counted in the archive: most rooms have 1,000 messages in the first part. Others, in which
the user or reactions are most of it, get two more rounds.
"""
SCANNED_BYTE_COST = 0.25
"""What a byte that the store looks at costs of the user's budget of reads: it is not sent."""
ARCHIVED_EVENT_COST = 25
"""What an event of the archive costs of that budget."""
NOTHING = Unread(0, 0, 0, 0, 0, 0)


class UnreadArchive(Protocol):
    """What is needed of SQL. Both raise `DatabaseUnavailable`."""

    async def read_positions_of(self, user_id: str) -> Mapping[str, StreamPosition]:
        """Return the user's read positions by room."""

    async def archived_unread(self, user_id: str, ranges: Sequence[UnreadRange]) -> Mapping[str, ArchivedUnread]:
        """Count unread messages in ranges of the archive, of one range in each room."""


class UnreadCounter:
    """Counts the unread messages of a connection's user."""

    def __init__(self, broker: Broker, archive: UnreadArchive, rooms: RoomSync) -> None:
        self._broker = broker
        self._archive = archive
        self._rooms = rooms

    async def count(self, connection: Connection) -> list[replies.UnreadRoom]:
        """Return the counts of all rooms of the user. Raises `BrokerUnavailable`, `DatabaseUnavailable`."""
        user = connection.principal.user_id
        positions = await self._archive.read_positions_of(user)
        rooms = list(connection.rooms)
        # Not the positions in memory: a message that another process has acknowledged may be on its way.
        heads = await self._broker.heads(rooms)
        queries = [
            UnreadQuery(room, read)
            for room, head in zip(rooms, heads, strict=True)
            if head.seq and (read := positions.get(room, StreamPosition("", 0))) != head
        ]
        counts = await self._count_in_logs(connection, queries)
        for events_per_round in ARCHIVED_EVENTS_PER_ROUND:
            await self._count_in_archive(connection, counts, events_per_round)
        # The user may have left a room meanwhile.
        return [_unread_room(room, counts.get(room, NOTHING)) for room in rooms if room in connection.rooms]

    async def _count_in_logs(self, connection: Connection, queries: Sequence[UnreadQuery]) -> dict[str, Unread]:
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

    async def _count_in_archive(self, connection: Connection, counts: dict[str, Unread], events_per_room: int) -> None:
        """Add what the archive has before the part of each room that was counted."""
        for ranges in _batches(counts, events_per_room):
            await asyncio.sleep(connection.reads.wait_ms(time.monotonic()) / 1000)
            found = await self._archive.archived_unread(connection.principal.user_id, ranges)
            events_scanned = sum(part.end - part.start for part in ranges)
            connection.reads.charge(events_scanned * ARCHIVED_EVENT_COST, time.monotonic())
            for part in ranges:
                count, more = counts[part.room_id], found.get(part.room_id, ArchivedUnread(0, 0))
                counts[part.room_id] = replace(
                    count,
                    messages=count.messages + more.messages,
                    mentions=count.mentions + more.mentions,
                    first=part.start,
                )


def _unread_room(room: str, found: Unread) -> replies.UnreadRoom:
    return replies.UnreadRoom(
        room=room, unread=min(found.messages, MAX_UNREAD), mentions=min(found.mentions, MAX_UNREAD)
    )


def _batches(counts: Mapping[str, Unread], events_per_room: int) -> Iterator[list[UnreadRange]]:
    """Yield the ranges that follow what was counted, for the rooms that have less than the maximum."""
    ranges = [
        UnreadRange(room, max(count.after + 1, count.first - events_per_room), count.first)
        for room, count in counts.items()
        if count.messages < MAX_UNREAD and count.first > count.after + 1
    ]
    for start in range(0, len(ranges), MAX_ROOMS_PER_STATEMENT):
        yield ranges[start : start + MAX_ROOMS_PER_STATEMENT]
