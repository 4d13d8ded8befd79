"""The archiver: a permanent task of each process that folds the logs of rooms into the archive, behind the sends.

**Who archives.** A process archives the rooms in which it appends, within a second of the ack. Every few seconds it
also looks at the rooms in the store's queue (`broker/archiving/`), for what a process left behind that was killed. Two
processes may fold the same room at the same time: the condition on the archive's head lets one of them win, and the
other one continues behind it. So there is no lease.

**A kill at any moment is harmless.** The events and the new head of the archive are committed in one transaction: the
archive has a batch completely or not at all. The log keeps every event until `archived` has told the store that the
archive has it, which is after the commit:

- killed before the commit: the archive's head is the old one, and the next archiver folds the same events again;
- killed between the commit and `archived`: the room is still in the queue; the next archiver finds nothing to fold, and
  tells the store;
- killed before it has begun: the room is in the queue since before the append was acknowledged.

Nothing waits for the archiver. While SQL is away the logs grow, up to the bound in `broker.py`. Then it catches up in
bounded transactions, with pauses in which other writers of SQLite have their turn.
"""

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Protocol, TypeVar

from cloudchat.archive.batch_reader import MAX_EVENTS, ArchivedHeads, BatchReader, LogHeads
from cloudchat.archive.folding.batch_fold import FoldOutcome, LogBatch, NotFolded
from cloudchat.broker.archiving.log_archive import LogArchive, UnarchivedRange
from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.core.log_rate_limit import RATE_LIMITED
from cloudchat.core.stream_position import StreamPosition
from cloudchat.database.transactions import DatabaseUnavailable

logger = logging.getLogger(__name__)

COLLECT_SECONDS = 0.5
"""How long the appends to a room are collected: each of its turns costs as much as some events."""
QUEUE_SECONDS = 3.0
"""How often a process looks at the rooms in the queue."""
MAX_QUEUED_ROOMS = 1000
PAUSE_SECONDS = 0.01
RETRY_SECONDS = 1.0
"""After a failure of SQL or of the store."""
ROOMS_PER_COMPARISON = 500
_T = TypeVar("_T")


class ArchiveWriter(ArchivedHeads, Protocol):
    """What is needed of SQL. All methods raise `DatabaseUnavailable`. See `ArchiveService`."""

    async def room_ids(self) -> Sequence[str]:
        """Return the ids of all rooms."""

    async def fold_logs(self, batches: Sequence[LogBatch]) -> Sequence[FoldOutcome]:
        """Fold batches of several rooms."""


class Archiver:
    """Archives rooms while `run` runs. For one event loop."""

    def __init__(
        self, broker: LogHeads, logs: LogArchive, archive: ArchiveWriter, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._broker = broker
        self._logs = logs
        self._archive = archive
        self._clock = clock
        self._behind: dict[str, float] = {}
        """The rooms with unarchived events, and since when. The next one to be archived is the first."""
        self._in_progress: dict[str, float] = {}
        """The rooms of the batch that is being folded, since when they are behind. It waits while SQL hangs."""
        self._damaged: dict[str, float] = {}
        """The rooms whose events could not be folded, and since when they are behind. They are tried again."""
        self._unknown: set[str] = set()
        """Rooms that the database does not have: nothing of them can be archived."""
        self._reader = BatchReader(broker, logs, archive)
        self._appended = asyncio.Event()
        self.failures = 0
        """How often SQL or the store failed, or the events of a room could not be folded."""

    # -- what has happened --------------------------------------------------------------------------------------------

    def appended(self, room: str, seq: int, event: bytes) -> None:
        """Note that this process has appended an event to the room's log."""
        if room in self._unknown:
            return
        self._reader.appended(room, seq, event)
        self._is_behind(room)

    def _is_behind(self, room: str) -> None:
        if room not in self._behind:
            self._add(room, self._clock())
            self._appended.set()

    @property
    def lag_seconds(self) -> float:
        """For how long the room that is furthest behind has had unarchived events. 0 if there is none."""
        since = [since for rooms in self._unarchived for since in rooms.values()]
        return self._clock() - min(since) if since else 0.0

    @property
    def lag_events(self) -> int:
        """How many events of the rooms that this process archives are known not to be in the archive yet."""
        return self._reader.lag_events({room for rooms in self._unarchived for room in rooms})

    @property
    def _unarchived(self) -> tuple[dict[str, float], ...]:
        return self._behind, self._in_progress, self._damaged

    # -- the task -----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Archive, forever."""
        await self._retry_until_done(self.compare_all)
        while True:
            await self._retry_until_done(self.look_into_queue)
            looked_at = self._clock()
            while self._clock() - looked_at < QUEUE_SECONDS:
                await self._wait_for_rooms(QUEUE_SECONDS)
                await self._retry_until_done(partial(self.archive_some, COLLECT_SECONDS))
                await asyncio.sleep(PAUSE_SECONDS)

    async def compare_all(self) -> None:
        """Find the rooms whose logs have more than the archive: at the first start of this version, all of them."""
        archived = await self._archive.archived_heads(None)
        rooms = await self._archive.room_ids()
        for start in range(0, len(rooms), ROOMS_PER_COMPARISON):
            part = rooms[start : start + ROOMS_PER_COMPARISON]
            for room, head in zip(part, await self._broker.heads(part), strict=True):
                if head.seq > (archived[room].seq if room in archived else 0):
                    self._reader.log_ends_at(room, head.seq)
                    self._is_behind(room)

    async def look_into_queue(self) -> None:
        """Add the rooms that may have something to archive, and those again that could not be folded."""
        damaged, self._damaged = self._damaged, {}
        for room, since in damaged.items():
            self._add(room, since)
        for room in await self._logs.queued_rooms(MAX_QUEUED_ROOMS):
            if room not in self._behind:
                self._reader.forget_archived(room)
            self._add(room, self._clock())

    async def archive_some(self, collect_seconds: float = 0.0) -> bool:
        """Fold events of the rooms that have been behind for `collect_seconds`, as many as fit into one transaction.

        Return whether there are more of them.
        """
        began = self._clock()
        due_since = began - collect_seconds
        due = (item for item in self._behind.items() if item[1] <= due_since)
        self._in_progress = rooms = dict(itertools.islice(due, MAX_EVENTS))
        for room in rooms:  # an event that is appended from now on adds its room again
            del self._behind[room]
        ranges: list[UnarchivedRange] = []
        try:
            await self._reader.learn_heads(rooms)
            known = {room: self._reader.log_head(room) for room in rooms}
            ranges = self._reader.ranges(rooms)
            batches, nothing = await self._reader.read(ranges)
            if nothing:
                await self._dequeue(nothing, rooms)
            if batches:
                await self._folded(batches, await self._archive.fold_logs(batches), rooms)
            for room in rooms:
                if self._reader.archived_head(room) >= known[room]:
                    # The rest was appended during this turn, and is collected like the first events of a room. As an
                    # old rest, a busy room would have its next turn at once, again and again with a few events.
                    rooms[room] = began
        finally:
            # `rooms` has those that are not done. A long log waits behind the rooms that had no turn.
            had_turn = {read.room for read in ranges}
            for room, since in sorted(rooms.items(), key=lambda item: item[0] in had_turn):
                self._add(room, since)
            self._in_progress = {}
        return any(since <= due_since for since in self._behind.values())

    # -- internal -----------------------------------------------------------------------------------------------------

    async def _retry_until_done(self, work: Callable[[], Awaitable[_T]]) -> _T:
        while True:
            try:
                return await work()
            except (DatabaseUnavailable, BrokerUnavailable) as error:
                self.failures += 1
                self._reader.forget_events()
                logger.warning("the archive is behind: %s", error, extra=RATE_LIMITED)
                await asyncio.sleep(RETRY_SECONDS)

    async def _wait_for_rooms(self, seconds: float) -> None:
        """Wait until a room has been behind for COLLECT_SECONDS, or for `seconds` without an append."""
        self._appended.clear()
        if not self._behind:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._appended.wait()
        if self._behind:
            await asyncio.sleep(min(self._behind.values()) + COLLECT_SECONDS - self._clock())

    def _add(self, room: str, since: float) -> None:
        if room not in self._unknown and room not in self._damaged:
            self._behind[room] = min(since, self._behind.get(room, since))

    async def _dequeue(self, nothing: Mapping[str, str], rooms: dict[str, float]) -> None:
        """Remove rooms that have nothing to archive. Report their heads, in case a killed archiver could not."""
        heads = {room: self._reader.archived_head(room) for room in nothing}
        await self._logs.archived({room: head for room, head in heads.items() if head})
        await self._logs.dequeue_rooms(nothing)
        for room in nothing:
            del rooms[room]

    async def _folded(
        self, batches: Sequence[LogBatch], outcomes: Sequence[FoldOutcome], rooms: dict[str, float]
    ) -> None:
        """Remove from `rooms` those of which nothing is left to do."""
        archived: dict[str, int] = {}
        for batch, outcome in zip(batches, outcomes, strict=True):
            room = batch.room
            if isinstance(outcome, StreamPosition):
                archived[room] = outcome.seq
                self._reader.archived(room, outcome.seq)
            elif outcome is NotFolded.MOVED:
                self._reader.forget_archived(room)
            else:
                since = rooms.pop(room)
                if outcome is NotFolded.UNKNOWN_ROOM:
                    self._unknown.add(room)
                else:
                    self.failures += 1
                    self._damaged[room] = since
        await self._logs.archived(archived)
        for room, seq in archived.items():
            if seq >= self._reader.log_head(room):
                del rooms[room]
