"""What a turn of the archiver folds: the events between the archived head and the head of the log of each room.

Events of this process are taken from memory (`appended_events.py`), all others are read from the store.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from cloudchat.archive.appended_events import AppendedEvents
from cloudchat.archive.folding.batch_fold import LogBatch
from cloudchat.broker.archiving.log_archive import LogArchive, UnarchivedRange
from cloudchat.core.stream_position import StreamPosition

MAX_EVENTS = 2000
"""Events in one transaction, which takes 60 ms on SQLite. A busy server needs long ones: each waits for its turns."""
MAX_ROOM_EVENTS = 500
"""Of one room in a transaction: the store reads them in one step, in which it does nothing else (1 ms)."""


class LogHeads(Protocol):
    """What is needed of the broker."""

    async def heads(self, rooms: Sequence[str]) -> list[StreamPosition]:
        """Return the position of the newest event of each log. Raises `BrokerUnavailable`."""


class ArchivedHeads(Protocol):
    """What is needed of SQL."""

    async def archived_heads(self, rooms: Collection[str] | None) -> Mapping[str, StreamPosition]:
        """Return the archived heads of rooms. Raises `DatabaseUnavailable`."""


class BatchReader:
    """Knows the heads of logs and archive, as far as this process can. The fold verifies those of the archive."""

    def __init__(self, broker: LogHeads, logs: LogArchive, archive: ArchivedHeads) -> None:
        self._broker = broker
        self._logs = logs
        self._archive = archive
        self._archived: dict[str, int] = {}
        self._log_heads: dict[str, int] = {}
        self._events = AppendedEvents()

    # -- what has happened --------------------------------------------------------------------------------------------

    def appended(self, room: str, seq: int, event: bytes) -> None:
        """Note that this process has appended an event to the room's log."""
        self._events.add(room, seq, event)
        self._log_heads[room] = seq

    def log_ends_at(self, room: str, seq: int) -> None:
        """Note the head of the room's log. It may have been read before the last append."""
        self._log_heads[room] = max(seq, self._log_heads.get(room, 0))

    def archived(self, room: str, seq: int) -> None:
        """Note that the archive has all events of the room up to this seq."""
        self._archived[room] = seq

    def forget_archived(self, room: str) -> None:
        """Read the archived head of the room again before its next batch: another process may have raised it."""
        self._archived.pop(room, None)

    def forget_events(self) -> None:
        """Read all events from the store: a text that is deleted meanwhile must not stay in memory."""
        self._events.clear()

    # -- heads --------------------------------------------------------------------------------------------------------

    async def learn_heads(self, rooms: Iterable[str]) -> None:
        """Read the heads that are not known. Raises `DatabaseUnavailable`, `BrokerUnavailable`."""
        unknown = [room for room in rooms if room not in self._archived]
        if unknown:
            archived = await self._archive.archived_heads(unknown)
            for room, head in zip(unknown, await self._broker.heads(unknown), strict=True):
                self._archived[room] = archived[room].seq if room in archived else 0
                self.log_ends_at(room, head.seq)

    def archived_head(self, room: str) -> int:
        """Return the room's archived head, 0 if it is not known."""
        return self._archived.get(room, 0)

    def log_head(self, room: str) -> int:
        """Return the head of the room's log. It is known after `learn_heads`."""
        return self._log_heads[room]

    def lag_events(self, rooms: Collection[str]) -> int:
        """Return how many events of these rooms are known not to be in the archive yet."""
        known = rooms & self._archived.keys() & self._log_heads.keys()
        return sum(max(0, self._log_heads[room] - self._archived[room]) for room in known)

    # -- batches ------------------------------------------------------------------------------------------------------

    def ranges(self, rooms: Iterable[str]) -> list[UnarchivedRange]:
        """Return what to fold of the first rooms: all that they are known to have, within the bounds."""
        ranges: list[UnarchivedRange] = []
        free = MAX_EVENTS
        for room in rooms:
            after = self._archived[room]
            limit = min(free, MAX_ROOM_EVENTS, max(1, self._log_heads[room] - after))
            ranges.append(UnarchivedRange(room, after, limit))
            free -= limit
            if not free:
                break
        return ranges

    async def read(self, ranges: Iterable[UnarchivedRange]) -> tuple[list[LogBatch], dict[str, str]]:
        """Return the batches, and the rooms that have nothing to archive with the store's times of these reads.

        Raises `BrokerUnavailable`.
        """
        batches: list[LogBatch] = []
        unread: list[UnarchivedRange] = []
        for wanted in ranges:
            if events := self._events.take(wanted.room, wanted.after, wanted.limit):
                batches.append(LogBatch(wanted.room, wanted.after, events))
            else:
                unread.append(wanted)
        nothing: dict[str, str] = {}
        for wanted, found in zip(unread, await self._logs.unarchived(unread) if unread else (), strict=True):
            self.log_ends_at(wanted.room, found.head)
            if found.events:
                batches.append(LogBatch(wanted.room, wanted.after, [event for _, event in found.events]))
            else:
                nothing[wanted.room] = found.read_at
        return batches, nothing
