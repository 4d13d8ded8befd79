"""The room log and the wake-up between processes: what every broker promises.

**The guarantee.** An event that `append` reported as `Appended` is on disk. It has one seq in one epoch for ever; no
other event has it; `read` returns it, with the same bytes, until `history_messages` newer ones have come. A repeated
(user, room, cid) within 24 hours appends nothing and reports the first one's place. If `append` reports
`BrokerUnavailable`, the event may or may not be in the log: repeating it with the same cid is always safe.

Subscriptions promise less, on purpose: they wake. A wake-up may be lost, and the subscriber finds out by the seq of the
next one, by `subscribed`, or by reading; the log is the truth.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class BrokerUnavailable(Exception):
    """The store did not answer in time, or refused to write. Trying again later is safe."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event to append. `body` is the JSON after the fields that the store writes: `"cid":…}` without its `{`."""

    room: str
    user: str
    cid: str
    kind: str
    body: bytes
    at: str


@dataclass(frozen=True, slots=True)
class Appended:
    """Where the event is. With `duplicate` it was there before, since `at`."""

    seq: int
    epoch: str
    at: str
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Page:
    """A run of events without holes, the first one's seq, and where the log stood when it was read."""

    epoch: str
    head: int
    oldest: int
    first: int
    events: list[bytes]

    @property
    def last(self) -> int:
        """Seq of the last event here; `first - 1` if there is none."""
        return self.first + len(self.events) - 1


Done = Callable[[Appended | BrokerUnavailable], None]


class Listener(Protocol):
    """Who is told what a subscription hears. Called on the event loop, in the order heard; must not raise."""

    def subscribed(self, room: str) -> None:
        """From now on the room's events are heard; what came before must be read. Also after each reconnect."""

    def event_received(self, room: str, epoch: str, seq: int, event: bytes) -> None:
        """An event was appended."""


class Broker(Protocol):
    """See the module's text for what it guarantees."""

    def append(self, entry: Entry, done: Done) -> None:
        """Append an event; `done` is called once, from the event loop. Appends of one process keep their order."""

    async def read(self, room: str, after: int, limit: int) -> Page:
        """The events after `after`, at most `limit`, and fewer when they are large. Raises `BrokerUnavailable`."""

    async def read_before(self, room: str, before: int, limit: int) -> Page:
        """The last events before `before`, at most `limit`, and fewer when large. Raises `BrokerUnavailable`."""

    def subscribe(self, room: str) -> None:
        """Hear a room; the listener's `subscribed` confirms it."""

    def unsubscribe(self, room: str) -> None:
        """Hear a room no more."""
