"""The reads of `Broker` on Redis 7 or Valkey, by the functions in functions/."""

import asyncio
import math
from collections.abc import Sequence
from typing import Any

from cloudchat.broker import keys
from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.broker.connections.redis_connection import ANSWER_SECONDS
from cloudchat.broker.connections.redis_functions import RedisFunctions
from cloudchat.broker.numbering.epochs import new_epoch
from cloudchat.broker.numbering.high_water_marks import HighWaterMarks
from cloudchat.broker.reads import HistoryRange, HistoryRows, Page, Unread, UnreadQuery
from cloudchat.core.message_fold import current_form
from cloudchat.core.stream_position import StreamPosition

MAX_PAGE_BYTES = 512 * 1024
"""The size limit of a page, so that it fits into a reader's send buffer. A larger single event is a separate page."""
MAX_HEAD_AGE_SECONDS = 1.0
"""A `welcome` may be that late on its way to the client, too."""
MAX_CONCURRENT_READS = 16
"""Further readers wait. The store and this process hold at most that many pages for readers at the same time."""


class RedisLogReader:
    """Reads the logs of rooms, and observes their heads."""

    def __init__(self, functions: RedisFunctions) -> None:
        self._functions = functions
        self._heads_read_at: dict[str, float] = {}
        self._free_reads = asyncio.Semaphore(MAX_CONCURRENT_READS)
        self.marks = HighWaterMarks()

    async def read(self, room: str, after: int, limit: int) -> Page:
        """See `Broker`."""
        reply = await self._read(
            "cloudchat_read_v5",
            room,
            new_epoch(),
            after,
            limit,
            MAX_PAGE_BYTES,
            self._mark(room),
        )
        return self._observed_page(room, reply)

    async def newest(self, room: str, limit: int, max_bytes: int) -> Page:
        """See `Broker`."""
        reply = await self._read(
            "cloudchat_newest_v5",
            room,
            new_epoch(),
            limit,
            max_bytes,
            self._mark(room),
        )
        return self._observed_page(room, reply)

    async def heads(self, rooms: Sequence[str]) -> list[StreamPosition]:
        """See `Broker`."""
        replies = await self._functions.call_all(
            [("cloudchat_head_v5", 2, keys.meta(room), keys.log(room), new_epoch(), self._mark(room)) for room in rooms]
        )
        heads = [StreamPosition(epoch.decode(), seq) for epoch, seq in replies]
        for room, head in zip(rooms, heads, strict=True):
            self.marks.observe_head(room, head.epoch, head.seq)
        return heads

    async def unread(self, user: str, queries: Sequence[UnreadQuery]) -> list[Unread]:
        """See `Broker`."""
        replies = await self._functions.call_all(
            [
                (
                    "cloudchat_unread_v5",
                    2,
                    keys.meta(query.room),
                    keys.log(query.room),
                    new_epoch(),
                    user,
                    query.read.epoch,
                    query.read.seq,
                    self._mark(query.room),
                )
                for query in queries
            ]
        )
        return [Unread(*reply) for reply in replies]

    async def history(self, room: str, wanted: HistoryRange) -> HistoryRows:
        """See `Broker`."""
        before, start = wanted.before, wanted.start
        max_bytes = MAX_PAGE_BYTES // 2 if wanted.rows_before and wanted.rows_from else MAX_PAGE_BYTES
        while True:
            reply = await self._read(
                "cloudchat_history_v5",
                room,
                new_epoch(),
                before,
                wanted.rows_before,
                start,
                wanted.rows_from,
                max_bytes,
                self._mark(room),
            )
            epoch, head, oldest, version, older, more_older, next_older, newer, more_newer, next_newer = reply
            rows = [current_form(*row) for row in [*reversed(older), *newer]]
            found = HistoryRows(epoch.decode(), head, oldest, version, rows, bool(more_older), bool(more_newer))
            self.marks.observe_head(room, found.epoch, head)
            # One call looks at a bounded number of events. Without a row, the reader would not know where to continue.
            if rows or not ((wanted.rows_before and more_older) or (wanted.rows_from and more_newer)):
                return found
            before, start = next_older + 1, next_newer

    async def recent_heads(self, rooms: Sequence[str]) -> list[StreamPosition]:
        """See `Broker`."""
        now = asyncio.get_running_loop().time()
        outdated = [room for room in rooms if now - self._heads_read_at.get(room, -math.inf) > MAX_HEAD_AGE_SECONDS]
        if outdated:
            await self.heads(outdated)
            self._heads_read_at.update(dict.fromkeys(outdated, now))
        return [StreamPosition(*self.marks.get(room)) for room in rooms]

    # -- internal -----------------------------------------------------------------------------------------------------

    def _observed_page(self, room: str, reply: Any) -> Page:
        epoch, head, oldest, first, events, version = reply
        page = Page(epoch.decode(), head, oldest, first, events, version)
        self.marks.observe_head(room, page.epoch, head)
        return page

    def _mark(self, room: str) -> int:
        return self.marks.get(room)[1]

    async def _read(self, function: str, room: str, *arguments: str | int) -> Any:
        """Call a function that reads a room's log. Raises `BrokerUnavailable`."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._free_reads:
                return await self._functions.call(function, [keys.meta(room), keys.log(room)], *arguments)
        except TimeoutError as error:
            raise BrokerUnavailable("too many reads of the store are waiting") from error
