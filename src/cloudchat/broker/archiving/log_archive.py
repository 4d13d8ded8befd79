"""The contract between the room logs and the archive.

**Nothing is trimmed that is not archived.** A log keeps the events above `min(archived head, head - history_messages)`;
`archived` raises the archived head and trims. While the archive takes no events, a log grows to `history_messages` plus
100,000 events, then further appends are refused (`Refusal.UNARCHIVED`).

**Events of an earlier numbering.** When a log has lost its end, its numbering continues above the loss, and what is
left below it cannot be replayed without a hole. What the archive does not have of it is still returned by `unarchived`,
and removed when it is archived.

**The queue** names the rooms that may have events to archive. A room with an acknowledged event that is not archived is
in it, except when a server of the earlier version appended the event (`archive_queue.py`). So the archiver compares the
heads of all logs with those of the archive when it starts.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct


class UnarchivedEvents(Struct, frozen=True):
    """Events above a seq, in the order of their seqs, with their seqs.

    They are all that the store has up to the seq `through`. What is missing in between is lost. When `through` is
    `head`, there are no more. `head` is the highest seq that was assigned. `read_at` is the store's time of the read.
    """

    events: list[tuple[int, bytes]]
    through: int
    head: int
    read_at: str


class UnarchivedRange(Struct, frozen=True):
    """At most `limit` events of a room's log above the seq `after`, which is the archive's head."""

    room: str
    after: int
    limit: int


class LogArchive(Protocol):
    """What the archive reads and changes in the room logs. Each operation raises `BrokerUnavailable`."""

    async def queued_rooms(self, limit: int) -> Sequence[str]:
        """Return rooms that may have events to archive, those that have waited longest first."""

    async def dequeue_rooms(self, read_at: Mapping[str, str]) -> None:
        """Remove rooms from the queue, if nothing was appended since `QUEUED_SECONDS` before a read.

        `read_at` is `UnarchivedEvents.read_at` of a read that returned no events after the archive's head.
        """

    async def unarchived(self, ranges: Sequence[UnarchivedRange]) -> list[UnarchivedEvents]:
        """Return the events in ranges of several rooms, in one round trip. They are fewer when they are large.

        A log that ends below `after` has lost events: its numbering continues above it.
        """

    async def archived(self, heads: Mapping[str, int]) -> None:
        """Report that all events of rooms, up to these seqs, are in the archive and committed, in one round trip.

        A lower seq than before has no effect.
        """

    async def trim_before(self, room: str, seq: int) -> None:
        """Remove the events up to `seq` from the store, also those that are not archived."""

    async def rename_user(self, room: str, user: str, name: str, after: int, limit: int) -> int:
        """Replace the name of a user, as author and as target, in up to `limit` events above the seq `after`.

        Return the seq through which this is done: the log's head when there are no more. It can be repeated.
        """
