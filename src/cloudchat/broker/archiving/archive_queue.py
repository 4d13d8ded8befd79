"""Which rooms have to be put into the archive's queue before an append.

The queue names the rooms that may have events to archive, so that no archiver has to look at all rooms. A process
enqueues a room in the same write as an append, and before it, at most once in `ENQUEUE_SECONDS`. An archiver removes a
room when a read found nothing to archive, and the room had been enqueued `QUEUED_SECONDS` before this read.

No crash leaves out a room whose event was acknowledged:

- The store executes the commands of one connection in order, and writes them to disk in order. When an event is on
  disk, the entry in the queue is, too.
- An append that relies on an entry was sent at most `ENQUEUE_SECONDS` after it. If the entry was removed although the
  append came later, the append was on its way for more than `QUEUED_SECONDS - ENQUEUE_SECONDS`. The process has closed
  the connection by then, and reported the append as failed (`ANSWER_SECONDS`). A repetition enqueues the room again.
- An archiver that dies has removed nothing that it did not archive.

What remains is an event that was reported as failed, was stored all the same, and is never repeated. The archiver finds
it at the next append in the room, or when it compares all heads. Until then it stays in the log, which is trimmed only
up to the archived head. The same holds for events of servers of the earlier version.
"""

from collections.abc import Iterable

ENQUEUE_SECONDS = 1.0
QUEUED_SECONDS = 10.0
MAX_ROOMS_PER_CALL = 1000


class ArchiveQueue:
    """The rooms that one connection has put into the queue. Times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._due_at: dict[str, float] = {}

    def take_due(self, rooms: Iterable[str], now: float) -> list[str]:
        """Return those of the rooms that have to be enqueued now, and count them as enqueued."""
        due = []
        for room in rooms:
            if self._due_at.get(room, now) <= now:
                self._due_at[room] = now + ENQUEUE_SECONDS
                due.append(room)
        return due

    def clear(self) -> None:
        """Forget everything: the connection is new, or the store has refused to enqueue rooms."""
        self._due_at.clear()
