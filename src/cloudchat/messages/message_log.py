"""Append to the room logs, and change messages, also those that are in the archive and not in a log any more.

The store decides about a change, and refuses one of a message that it does not have (`Refusal.NOT_IN_LOG`). Then the
message is read from the archive, and the change is repeated with it. The store accepts it only if the archive has taken
no more events since. Other appends to the room do not wait, so that they do not depend on SQL. The changes of one
message keep their order.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from cloudchat.broker.appends import AppendCallback, AppendOutcome, ArchivedMessage, Change, Entry, Refusal, Refused
from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.database.transactions import DatabaseUnavailable

MAX_ATTEMPTS = 5
"""Of one change. The archive of a busy room takes events a few times per second."""
MAX_WAITING = 1000
"""Changes that wait for the archive. More fail; they may be repeated."""

ReadMessage = Callable[[str, int], Awaitable[ArchivedMessage]]
"""Reads a message (its room and seq) from the archive. Raises `DatabaseUnavailable`."""
Spawn = Callable[[Coroutine[Any, Any, None], str], object]


class _Attempt(Struct):
    change: Change
    on_done: AppendCallback
    attempts: int = 0


class EventLog(Protocol):
    """What is needed of the broker."""

    def append(self, entry: Entry, on_done: AppendCallback) -> None:
        """See `Broker`."""

    def change(self, change: Change, on_done: AppendCallback) -> None:
        """See `Broker`."""


class MessageLog:
    """Makes all appends and changes of this process. It is an `EventLog` without `NOT_IN_LOG`. For one event loop."""

    def __init__(self, log: EventLog, read: ReadMessage, spawn: Spawn) -> None:
        self._log = log
        self._read = read
        self._spawn = spawn
        self._waiting: dict[tuple[str, int], deque[_Attempt]] = {}
        """The changes of each message that is being read."""

    def append(self, entry: Entry, on_done: AppendCallback) -> None:
        """See `Broker`."""
        self._log.append(entry, on_done)

    def change(self, change: Change, on_done: AppendCallback) -> None:
        """See `Broker`."""
        waiting = self._waiting.get((change.event.room, change.target))
        attempt = _Attempt(change, on_done)
        if waiting is None:
            self._try(attempt)
        else:
            self._wait(waiting, attempt)

    def _try(self, attempt: _Attempt) -> None:
        attempt.attempts += 1

        def answered(outcome: AppendOutcome) -> None:
            is_archived = isinstance(outcome, Refused) and outcome.reason is Refusal.NOT_IN_LOG
            if is_archived and attempt.attempts < MAX_ATTEMPTS:
                self._wait_for_message(attempt)
            else:
                attempt.on_done(outcome)

        self._log.change(attempt.change, answered)

    def _wait_for_message(self, attempt: _Attempt) -> None:
        room, seq = attempt.change.event.room, attempt.change.target
        waiting = self._waiting.get((room, seq))
        if waiting is None:
            waiting = self._waiting[room, seq] = deque()
            self._spawn(self._load(room, seq), f"archived message {room} {seq}")
        # In front of those that were never sent, behind those that were refused before.
        self._wait(waiting, attempt, sum(other.attempts > 0 for other in waiting))

    def _wait(self, waiting: deque[_Attempt], attempt: _Attempt, place: int | None = None) -> None:
        if sum(map(len, self._waiting.values())) >= MAX_WAITING:
            attempt.on_done(BrokerUnavailable("too many changes wait for the archive"))
        else:
            waiting.insert(len(waiting) if place is None else place, attempt)

    async def _load(self, room: str, seq: int) -> None:
        try:
            message = await self._read(room, seq)
        except BaseException as problem:
            for attempt in self._waiting.pop((room, seq)):
                attempt.on_done(BrokerUnavailable("the message is in the archive, which cannot be read"))
            if not isinstance(problem, DatabaseUnavailable):
                raise
            return
        for attempt in self._waiting.pop((room, seq)):
            attempt.change = replace(attempt.change, archived=message)
            self._try(attempt)
