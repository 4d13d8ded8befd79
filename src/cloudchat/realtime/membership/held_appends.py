"""Hold appends that cannot be made now, without changing the order of anybody's messages.

Three reasons hold the appends to a room:

- The store refused one because the room has changed since the author's permission was checked. The room is brought up
  to date, and the append is checked again with what is known then.
- A message mentions a name that must first be looked up.
- The store has not answered earlier appends, which carry an older version of the room. If it refuses them, the new one,
  which carries the newer version, would overtake them.

Until that is done, all further appends of this process to the room wait behind it.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from typing import Any

from cloudchat.broker.appends import AppendCallback, AppendOutcome, Refusal, Refused
from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.protocol.errors import Error

MAX_HELD = 1000
"""Appends held for one room. More fail; they may be repeated."""
MAX_ATTEMPTS = 5
"""Of one append. A room that changes all the time must not hold messages for ever."""
MAX_PREPARATIONS = 5
"""Of one append, for the same reason. After them it is made with what is known."""

Spawn = Callable[[Coroutine[Any, Any, None], str], object]


class LoggedAppend(ABC):
    """One append, from its command to its reply. `attempts` and `preparations` belong to `HeldAppends`."""

    __slots__ = ("attempts", "preparations", "room")

    def __init__(self, room: str) -> None:
        self.room = room
        self.attempts = 0
        self.preparations = 0

    def prepare(self) -> Coroutine[Any, Any, None] | None:
        """Return what must be awaited before the attempt, if anything.

        Called again after that: the room may have changed while the append waited behind others.
        """
        return None

    @property
    @abstractmethod
    def room_version(self) -> int:
        """The version of the room as the author's connection knows it now."""

    @abstractmethod
    def attempt(self, on_done: AppendCallback) -> Error | None:
        """Check the permission and append. Return the error if it is not allowed; then `on_done` is not called."""

    @abstractmethod
    def finish(self, outcome: AppendOutcome | Error) -> None:
        """Take the outcome or the error. Called once."""


class _HeldRoom:
    __slots__ = ("appends", "refreshing", "works")

    def __init__(self) -> None:
        self.appends: deque[LoggedAppend] = deque()
        self.works = 0
        """What the room waits for: the refresh of the room, the preparation of an append, or both."""
        self.refreshing = False


class _Unanswered:
    __slots__ = ("count", "version")

    def __init__(self, version: int) -> None:
        self.count = 0
        self.version = version
        """The lowest version of the room that these appends carry."""


class HeldAppends:
    """All appends of this process by its sockets."""

    def __init__(
        self, refresh: Callable[[str, int], Awaitable[None]], versions: Mapping[str, int], spawn: Spawn
    ) -> None:
        """`refresh` brings a room up to date, at least to a version. Raises `DatabaseUnavailable`.

        `versions` says up to which version of a room the connections of this process are right. An append carries it,
        or that of its connection if it is higher.
        """
        self._refresh = refresh
        self._versions = versions
        self._spawn = spawn
        self._unanswered: dict[str, _Unanswered] = {}
        self._held: dict[str, _HeldRoom] = {}

    def submit(self, append: LoggedAppend) -> None:
        """Append now, or when the room is not held any more."""
        held = self._held.get(append.room)
        if held is None:
            self._start(append)
        elif len(held.appends) < MAX_HELD:
            held.appends.append(append)
        else:
            append.finish(BrokerUnavailable("too many messages wait for a change of their room"))

    def _start(self, append: LoggedAppend) -> None:
        preparation = append.prepare() if append.preparations < MAX_PREPARATIONS else None
        if preparation is not None:
            append.preparations += 1
            self._wait_for(append.room, self._hold(append), preparation)
            return
        version = max(append.room_version, self._versions.get(append.room, 0))
        unanswered = self._unanswered.get(append.room)
        if unanswered is None:
            unanswered = self._unanswered[append.room] = _Unanswered(version)
        elif version > unanswered.version:
            self._hold(append)  # until they are answered
            return
        self._attempt(append, unanswered, version)

    def _attempt(self, append: LoggedAppend, unanswered: _Unanswered, version: int) -> None:
        append.attempts += 1
        lowest, unanswered.version = unanswered.version, version
        unanswered.count += 1
        rejection = append.attempt(partial(self._answered, append))
        if rejection is not None:
            unanswered.version = lowest
            self._finished(append.room)
            append.finish(rejection)

    def _answered(self, append: LoggedAppend, outcome: AppendOutcome) -> None:
        self._finished(append.room)
        if isinstance(outcome, Refused) and outcome.reason is Refusal.STALE and append.attempts < MAX_ATTEMPTS:
            self._hold_refused(append, outcome.detail)
        else:
            append.finish(outcome)
        if self._held:
            self._release_if_ready(append.room)

    def _finished(self, room: str) -> None:
        unanswered = self._unanswered[room]
        unanswered.count -= 1
        if not unanswered.count:
            del self._unanswered[room]

    def _hold_refused(self, append: LoggedAppend, version: int) -> None:
        held = self._hold(append)
        if not held.refreshing:
            held.refreshing = True
            self._wait_for(append.room, held, self._refresh(append.room, version))

    def _hold(self, append: LoggedAppend) -> _HeldRoom:
        held = self._held.setdefault(append.room, _HeldRoom())
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
                append.finish(BrokerUnavailable("the room has changed, and the database cannot be reached"))
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
                self._start(append)
            else:  # one in front of it is held again
                later.appends.append(append)
