"""What the store has told this process so far, which it must not take back.

A store that was restored from an older backup, or whose replica took over too early, ends before what it has already
numbered. It can't know; who was told does. So each call names the last place it knows, and the functions begin a new
epoch when the log ends before it, in the same atomic step: no event ever gets a number that another one had.

Of several processes, each knows what it was told itself, and what the others wrote down (broker/log_checkpoint.py):
when a failover loses the very last two seconds, and somebody who had not been told of them appends first, he can give
their numbers again. A store that loses nothing at a failover is what holds against that.
"""

from collections.abc import Iterable, Mapping

from cloudchat.broker.broker import Listener


class HighWaterMarks:
    """Remembers the highest seq of each room in its epoch."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, int]] = {}
        self._kept: dict[str, tuple[str, int]] = {}

    def get(self, room: str) -> tuple[str, int]:
        """The last place known in a room; `("", 0)` if there is none."""
        return self._known.get(room, ("", 0))

    def observe(self, room: str, epoch: str, seq: int) -> None:
        """The store has said that this place is taken."""
        known = self._known.get(room)
        if known is None or known[1] < seq or known[0] != epoch:
            self._known[room] = (epoch, seq)

    def merge(self, places: Mapping[str, tuple[str, int]]) -> None:
        """Know what other processes, or an earlier one, were told."""
        self._kept.update(places)
        for room, (epoch, seq) in places.items():
            known = self._known.get(room)
            if known is None or (known[0] == epoch and known[1] < seq):
                self._known[room] = (epoch, seq)

    def take_dirty(self) -> dict[str, tuple[str, int]]:
        """The places that differ from those that were kept last; they are taken for kept from now on."""
        news = {room: place for room, place in self._known.items() if self._kept.get(room) != place}
        self._kept.update(news)
        return news

    def mark_dirty(self, rooms: Iterable[str]) -> None:
        """These were not kept after all: they are news again."""
        for room in rooms:
            self._kept.pop(room, None)


class ObservingListener:
    """Stands between a subscription and its listener, and observes each event."""

    def __init__(self, marks: HighWaterMarks, listener: Listener) -> None:
        self._marks = marks
        self._listener = listener

    def subscribed(self, room: str) -> None:
        """See `Listener`."""
        self._listener.subscribed(room)

    def event_received(self, room: str, epoch: str, seq: int, event: bytes) -> None:
        """See `Listener`."""
        self._marks.observe(room, epoch, seq)
        self._listener.event_received(room, epoch, seq, event)
