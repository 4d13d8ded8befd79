"""The highest seq of each room that this process knows to be assigned, and the epoch in which it was.

A store can lose events: it is emptied, or restored from an older backup, or a replica takes over that had not received
everything. The store cannot detect this, but the processes that saw the lost events can. A seq is assigned at most once
in a room, whatever happens to the store. So a log that ends before a mark has lost events, whatever its epoch is. Every
call to the store sends the room's mark, and the store continues above it in a new epoch, in the same atomic step
(functions/numbering.lua).

Each process knows what it observed itself, what other processes have saved (log_checkpoint.py), and the archived heads.
One case remains: a failover loses the last two seconds, and a process that had not observed those events appends first.
Then their numbers can be assigned again. Only a store that loses nothing in a failover prevents that.
"""

from collections.abc import Iterable, Mapping

Mark = tuple[str, int]
"""(epoch, seq). A tuple and not a `StreamPosition`, because every append sends one."""


class HighWaterMarks:
    """One mark for each room, and which of them have changed since they were saved."""

    def __init__(self) -> None:
        self._marks: dict[str, Mark] = {}
        self._saved: dict[str, Mark] = {}

    def get(self, room: str) -> Mark:
        """Return the room's mark, `("", 0)` if none is known."""
        return self._marks.get(room, ("", 0))

    def observe_event(self, room: str, epoch: str, seq: int) -> None:
        """Record that the store has assigned this seq."""
        mark = self._marks.get(room)
        if mark is None or mark[1] < seq:
            self._marks[room] = (epoch, seq)

    def observe_head(self, room: str, epoch: str, seq: int) -> None:
        """Record the end of the log. A new epoch begins with the highest seq of the one before it."""
        mark = self._marks.get(room)
        if mark is None or mark[1] <= seq:
            self._marks[room] = (epoch, seq)

    def merge(self, marks: Mapping[str, Mark]) -> None:
        """Add marks that were saved by this or another process."""
        self._saved.update(marks)
        for room, (epoch, seq) in marks.items():
            self.observe_event(room, epoch, seq)

    def take_dirty(self) -> dict[str, Mark]:
        """Return the marks that differ from the saved ones, and treat them as saved from now on."""
        dirty = {room: mark for room, mark in self._marks.items() if self._saved.get(room) != mark}
        self._saved.update(dirty)
        return dirty

    def mark_dirty(self, rooms: Iterable[str]) -> None:
        """Undo `take_dirty` for rooms whose marks could not be saved."""
        for room in rooms:
            self._saved.pop(room, None)
