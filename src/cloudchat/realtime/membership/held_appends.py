"""Repeat appends that the store refused because the room had changed since the author's permission was checked.

The first refusal of a room starts to bring the room up to date. Until that is done, all further appends to the room are
held, so that the messages of a sender keep their order. They are then checked again, with what is known now.
"""

from collections import Counter, deque
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
OnDone = Callable[[AppendOutcome | Error], None]
Spawn = Callable[[Coroutine[Any, Any, None], str], object]


class _Held:
    __slots__ = ("attempt", "attempts", "on_done")

    def __init__(self, attempt: Attempt, on_done: OnDone) -> None:
        self.attempt = attempt
        self.on_done = on_done
        self.attempts = 0


class _StaleRoom:
    __slots__ = ("held", "refreshed", "version")

    def __init__(self, version: int) -> None:
        self.version = version
        self.held: deque[_Held] = deque()
        self.refreshed = False


class HeldAppends:
    """All appends of this process by its sockets."""

    def __init__(self, refresh: Callable[[str, int], Awaitable[None]], spawn: Spawn) -> None:
        """`refresh` brings a room up to date, at least to a version. Raises `DatabaseUnavailable`."""
        self._refresh = refresh
        self._spawn = spawn
        self._unanswered: Counter[str] = Counter()
        self._stale: dict[str, _StaleRoom] = {}

    def submit(self, room: str, attempt: Attempt, on_done: OnDone) -> None:
        """Append now, or when the room is up to date. `on_done` gets the outcome or the error, once."""
        append = _Held(attempt, on_done)
        stale = self._stale.get(room)
        if stale is None:
            self._attempt(room, append)
        elif len(stale.held) < MAX_HELD:
            stale.held.append(append)
        else:
            on_done(BrokerUnavailable("too many messages wait for a change of their room"))

    def _attempt(self, room: str, append: _Held) -> None:
        append.attempts += 1
        self._unanswered[room] += 1

        def answered(outcome: AppendOutcome) -> None:
            self._finished(room)
            if isinstance(outcome, Refused) and outcome.reason is Refusal.STALE and append.attempts < MAX_ATTEMPTS:
                self._hold(room, append, outcome.detail)
            else:
                append.on_done(outcome)
            self._release_if_ready(room)

        rejection = append.attempt(answered)
        if rejection is not None:
            self._finished(room)
            append.on_done(rejection)

    def _finished(self, room: str) -> None:
        self._unanswered[room] -= 1
        if not self._unanswered[room]:
            del self._unanswered[room]

    def _hold(self, room: str, append: _Held, version: int) -> None:
        stale = self._stale.get(room)
        if stale is None:
            stale = self._stale[room] = _StaleRoom(version)
            self._spawn(self._bring_up_to_date(room, stale), f"refresh {room}")
        # In front of those that were never sent, behind those that were refused before.
        position = sum(held.attempts > 0 for held in stale.held)
        stale.held.insert(position, append)

    async def _bring_up_to_date(self, room: str, stale: _StaleRoom) -> None:
        try:
            await self._refresh(room, stale.version)
        except BaseException as problem:
            del self._stale[room]
            for held in stale.held:
                held.on_done(BrokerUnavailable("the room has changed, and the database cannot be reached"))
            if not isinstance(problem, DatabaseUnavailable):
                raise
        else:
            stale.refreshed = True
            self._release_if_ready(room)

    def _release_if_ready(self, room: str) -> None:
        """Send what is held. Not before the store has answered all earlier appends: those come first."""
        stale = self._stale.get(room)
        if stale is None or not stale.refreshed or room in self._unanswered:
            return
        del self._stale[room]
        for held in stale.held:
            later = self._stale.get(room)
            if later is None:
                self._attempt(room, held)
            else:  # an attempt was refused at once, by a broker that answers in the call
                later.held.append(held)
