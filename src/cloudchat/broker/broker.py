"""The broker's contract: a durable log for each room, and notifications between processes.

**The log.** When `append` reports `Appended`, then:

- the event is on disk, also after a power failure;
- it has its (epoch, seq) forever, and no other event has the same one;
- seqs are 1, 2, 3, … without holes within an epoch;
- `read` and `read_before` return it, with the same bytes, until `history_messages` newer events have been appended.

**Repeated appends.** A (user, room, cid) that was appended in the last 24 hours is not appended again: `append` reports
the position of the first one with `duplicate`. When `append` reports `BrokerUnavailable`, the event may or may not be
in the log. The caller may repeat it with the same cid: it is stored once.

**The epoch.** A room gets a new epoch only when its log may have lost events: it is gone, or was restored to an
earlier state. Seqs of different epochs cannot be compared.

**Notifications.** A subscription delivers appended events with low latency and without a guarantee: it may miss events.
The subscriber detects this by the seq of the next event, by `Listener.subscribed` after each reconnect, or by comparing
its position with the log's head. It recovers by reading the log.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class BrokerUnavailable(Exception):
    """The store did not answer in time, or refused the call. A retry later is safe."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event to append.

    `body` is the event's JSON after the fields that the store writes, without the opening brace: `"cid":…}`. `at` is
    the timestamp in the body.
    """

    room: str
    user: str
    cid: str
    kind: str
    body: bytes
    at: str


@dataclass(frozen=True, slots=True)
class Appended:
    """The position of an event in its log. With `duplicate` it was appended earlier, at the time `at`."""

    seq: int
    epoch: str
    at: str
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Consecutive events, and the state of the log when they were read.

    `first` is the seq of the first event. `head` is the seq of the log's newest event, 0 before the first. `oldest` is
    the seq of its oldest event, `head` + 1 when the log is empty.
    """

    epoch: str
    head: int
    oldest: int
    first: int
    events: list[bytes]

    @property
    def last(self) -> int:
        """Seq of the last event, `first - 1` when there are no events."""
        return self.first + len(self.events) - 1


AppendCallback = Callable[[Appended | BrokerUnavailable], None]
"""Receives the outcome of an append, once, on the event loop. It must not raise."""


class Listener(Protocol):
    """Receives the notifications of a subscription, in order, on the event loop. Its methods must not raise."""

    def subscribed(self, room: str) -> None:
        """The room's events are received from now on. Read the log for earlier ones. Called after each reconnect."""

    def event_received(self, room: str, epoch: str, seq: int, event: bytes) -> None:
        """An event was appended, by this or another process."""


OnSignal = Callable[[bytes], None]
"""Receives what `RedisBroker.signal` published, in this or another process, on the event loop. It must not raise."""


class Broker(Protocol):
    """The operations on room logs. The module's docstring states what they guarantee."""

    def append(self, entry: Entry, on_done: AppendCallback) -> None:
        """Append an event and report the outcome to `on_done`. The appends of one process keep their order."""

    async def read(self, room: str, after: int, limit: int) -> Page:
        """Return the events after the seq `after`: at most `limit`, and fewer when they are large.

        Raises `BrokerUnavailable`.
        """

    async def read_before(self, room: str, before: int, limit: int) -> Page:
        """Return the newest events before the seq `before`: at most `limit`, and fewer when they are large.

        Raises `BrokerUnavailable`.
        """

    def subscribe(self, room: str) -> None:
        """Start to receive a room's events. `Listener.subscribed` confirms it."""

    def unsubscribe(self, room: str) -> None:
        """Stop receiving a room's events."""
