"""Hold appends that cannot be made now, without changing the order of anybody's messages.

Two reasons hold the appends to a room:

- The store refused one because the room has changed since the author's permission was checked. The room is brought up
  to date, and the append is checked again with what is known then.
- A message mentions a name that must first be looked up.

Until that is done, all further appends of this process to the room wait behind it.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from cloudchat.broker.broker import AppendCallback, AppendOutcome, BrokerUnavailable, Refusal, Refused
from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.protocol.errors import Error

MAX_HELD = 1000
"""Appends held for one room. More fail; they may be repeated."""
MAX_ATTEMPTS = 5
"""Of one append. A room that changes all the time must not hold messages for ever."""

Attempt = Callable[[AppendCallback], Error | None]
"""Checks the permission and appends. Returns the error if it is not allowed; then the callback is not called."""
Prepare = Callable[[], Coroutine[Any, Any, None] | None]
"""Returns what must be awaited before the attempt, if anything."""
OnDone = Callable[[AppendOutcome | Error], None]
Spawn = Callable[[Coroutine[Any, Any, None], str], object]


class _Append:
    __slots__ = ("attempt", "attempts", "on_done", "prepare", "prepared")

    def __init__(self, attempt: Attempt, on_done: OnDone, prepare: Prepare | None) -> None:
        self.attempt = attempt
        self.on_done = on_done
        self.prepare = prepare
        self.prepared = False
        self.attempts = 0


class _HeldRoom:
    __slots__ = ("appends", "refreshing", "works")

    def __init__(self) -> None:
        self.appends: deque[_Append] = deque()
        self.works = 0
        """What the room waits for: the refresh of the room, the preparation of an append, or both."""
        self.refreshing = False


class HeldAppends:
    """All appends of this process by its sockets."""

    def __init__(self, refresh: Callable[[str, int], Awaitable[None]], spawn: Spawn) -> None:
        """`refresh` brings a room up to date, at least to a version. Raises `DatabaseUnavailable`."""
        self._refresh = refresh
        self._spawn = spawn
        self._unanswered: dict[str, int] = {}
        """Not a Counter: its methods are in Python, and take 1 µs for each message."""
        self._held: dict[str, _HeldRoom] = {}

    def submit(self, room: str, attempt: Attempt, on_done: OnDone, prepare: Prepare | None = None) -> None:
        """Append now, or when the room is not held any more. `on_done` gets the outcome or the error, once."""
        append = _Append(attempt, on_done, prepare)
        held = self._held.get(room)
        if held is None:
            self._start(room, append)
        elif len(held.appends) < MAX_HELD:
            held.appends.append(append)
        else:
            on_done(BrokerUnavailable("too many messages wait for a change of their room"))

    def _start(self, room: str, append: _Append) -> None:
        preparation = None if append.prepare is None or append.prepared else append.prepare()
        append.prepared = True
        if preparation is None:
            self._attempt(room, append)
        else:
            self._wait_for(room, self._hold(room, append), preparation)

    def _attempt(self, room: str, append: _Append) -> None:
        append.attempts += 1
        self._unanswered[room] = self._unanswered.get(room, 0) + 1

        def answered(outcome: AppendOutcome) -> None:
            self._finished(room)
            if isinstance(outcome, Refused) and outcome.reason is Refusal.STALE and append.attempts < MAX_ATTEMPTS:
                self._hold_refused(room, append, outcome.detail)
            else:
                append.on_done(outcome)
            self._release_if_ready(room)

        rejection = append.attempt(answered)
        if rejection is not None:
            self._finished(room)
            append.on_done(rejection)

    def _finished(self, room: str) -> None:
        unanswered = self._unanswered.pop(room) - 1
        if unanswered:
            self._unanswered[room] = unanswered

    def _hold_refused(self, room: str, append: _Append, version: int) -> None:
        append.prepared = False  # what was looked up may have changed with the room
        held = self._hold(room, append)
        if not held.refreshing:
            held.refreshing = True
            self._wait_for(room, held, self._refresh(room, version))

    def _hold(self, room: str, append: _Append) -> _HeldRoom:
        held = self._held.setdefault(room, _HeldRoom())
        # In front of those that were never sent, behind those that were refused before.
        held.appends.insert(sum(waiting.attempts > 0 for waiting in held.appends), append)
        return held

    def _wait_for(self, room: str, held: _HeldRoom, work: Awaitable[None]) -> None:
        held.works += 1
        self._spawn(self._finish(room, held, work), f"held appends {room}")

    async def _finish(self, room: str, held: _HeldRoom, work: Awaitable[None]) -> None:
        try:
            await work
        except BaseException as problem:
            if self._held.get(room) is held:
                del self._held[room]
            appends, held.appends = held.appends, deque()
            for append in appends:
                append.on_done(BrokerUnavailable("the room has changed, and the database cannot be reached"))
            if not isinstance(problem, DatabaseUnavailable):
                raise
        else:
            held.works -= 1
            self._release_if_ready(room)

    def _release_if_ready(self, room: str) -> None:
        """Send what is held. Not before the store has answered all earlier appends: those come first."""
        held = self._held.get(room)
        if held is None or held.works or room in self._unanswered:
            return
        del self._held[room]
        for append in held.appends:
            later = self._held.get(room)
            if later is None:
                self._start(room, append)
            else:  # one in front of it is held again
                later.appends.append(append)
