"""The events that this process has appended since the last turns of the archiver, so that it need not read them again.

To read an event back takes a quarter of the store's work for its append. What is here is complete: the store has
acknowledged each event with its seq, and the events of a room follow each other without a hole. Everything else (events
of other processes between them, events before a restart, or more than `MAX_BYTES`) is read from the store.

A deleted text does not stay here: an event is taken out in the room's next turn (as a rule within a second), all events
are dropped when SQL or the store fails, and a deletion by this process drops the events of its room.
"""

from collections.abc import Sequence
from itertools import islice

MAX_BYTES = 8 << 20
"""Of all rooms together: a second at 20,000 short messages per second."""
_DELETED = b'{"type":"deleted"'


class _Run:
    """Consecutive events of a room."""

    __slots__ = ("events", "first")

    def __init__(self, first: int) -> None:
        self.first = first
        self.events: list[bytes] = []


class AppendedEvents:
    """The newest consecutive events of each room."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._runs: dict[str, _Run] = {}
        self._bytes = 0
        self._max_bytes = max_bytes

    def add(self, room: str, seq: int, event: bytes) -> None:
        """Add an event that the store has acknowledged."""
        run = self._runs.get(room)
        if run is None or run.first + len(run.events) != seq:
            self._drop(room)
            run = self._runs[room] = _Run(seq)
        self._bytes += len(event)
        run.events.append(event)
        if self._bytes > self._max_bytes or event.startswith(_DELETED):
            self._drop(room)

    def take(self, room: str, after: int, limit: int) -> Sequence[bytes]:
        """Remove and return up to `limit` events of a room, the first ones after the seq `after`.

        Return none if the first one is not here. Events up to `after` are dropped.
        """
        run = self._runs.get(room)
        if run is None:
            return ()
        known = after + 1 - run.first
        if not 0 <= known < len(run.events):
            self._drop(room)
            return ()
        taken = run.events[known : known + limit]
        self._bytes -= sum(map(len, islice(run.events, known + len(taken))))
        del run.events[: known + len(taken)]
        if run.events:
            run.first = after + 1 + len(taken)
        else:
            del self._runs[room]
        return taken

    def clear(self) -> None:
        """Drop everything: it is read from the store."""
        self._runs.clear()
        self._bytes = 0

    def _drop(self, room: str) -> None:
        run = self._runs.pop(room, None)
        if run is not None:
            self._bytes -= sum(map(len, run.events))
