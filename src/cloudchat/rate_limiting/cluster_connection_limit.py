"""How many sockets a user and an address have open in all processes together, and which ones must make room.

Who has to go is not told by a message that could be lost: each process asks every two seconds. A process that was
killed counts no more when its heartbeats stop. While the store is away nobody waits for it, and each process holds the
limits for its own sockets (`realtime/connection_registry.py`); when it is back, everything is counted anew.
"""

import asyncio
import contextlib
import itertools
import logging
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.resources import files

from cloudchat.broker.broker import BrokerUnavailable
from cloudchat.broker.redis_functions import RedisFunctions

logger = logging.getLogger(__name__)

FUNCTIONS = files("cloudchat.rate_limiting").joinpath("cluster_connection_limit.lua").read_text()
"""The library of the functions that count connections."""

BEAT_SECONDS = 2.0
ALIVE_SECONDS = 6
"""So long after a kill -9 a process's sockets still count: an address that had more than half of its places taken is
refused some of them until then, and its clients come back by themselves. Less would forget a process whose store is
slow for a moment.
"""
ENTER_SECONDS = 0.25
"""So long an opening socket waits for the store at most."""
AWAY_SECONDS = 5.0
"""So long the store is not asked again, lest every handshake waits for it in vain."""
AT_ONCE = 8
LEAVING_AT_ONCE = 200

_PREFIX = "cloudchat:{sockets}:"


@dataclass(frozen=True, slots=True)
class ConnectionSlot:
    """Where a socket is counted."""

    user: str
    network: str
    opened_at: float
    """Seconds since 1970: the oldest one must go, by whatever process, and however often, it is counted."""

    @property
    def sets(self) -> list[str]:
        """The keys of its two sets."""
        return [f"{_PREFIX}user:{self.user}", f"{_PREFIX}address:{self.network}"]


class ClusterConnectionLimit:
    """The part of the count that is one process's. `run` must be running."""

    def __init__(
        self, calls: RedisFunctions, *, per_user: int, per_address: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._calls = calls
        self._limits = per_user, per_address
        self._clock = clock
        self._process = _new_name()
        self._numbers = itertools.count(1)
        self._open: dict[int, ConnectionSlot] = {}
        self._left: list[tuple[int, ConnectionSlot]] = []
        self._due = asyncio.Event()
        self._away_until = 0.0
        self._count_anew = False

    async def enter(self, user: str, network: str) -> int | None:
        """Count a socket that is being opened. Returns its number, or None if the address has too many already.

        If the user has too many, the oldest are told to go. Every number must be given to `leave`.
        """
        number, place = next(self._numbers), ConnectionSlot(user, network, time.time())
        self._open[number] = place
        if self._clock() < self._away_until:
            self._count_anew = True
            return number
        try:
            fits = await self._enter(number, place)
        except BrokerUnavailable as problem:
            self._away_until = self._clock() + AWAY_SECONDS
            self._count_anew = True
            logger.warning("sockets are counted by this process alone: %s", problem)
            return number
        except asyncio.CancelledError:
            self.leave(number)
            raise
        if fits:
            return number
        del self._open[number]
        return None

    def leave(self, number: int) -> None:
        """The socket is closed, or was never opened. Its place is free within an instant."""
        self._left.append((number, self._open.pop(number)))
        self._due.set()

    async def run(self, close: Callable[[Iterable[int]], None]) -> None:
        """Keep the count, for ever. `close` is given the numbers of sockets that must make room."""
        next_beat = self._clock()
        while True:
            timer = asyncio.get_running_loop().call_later(next_beat - self._clock(), self._due.set)
            try:
                await self._due.wait()
            finally:
                timer.cancel()
            self._due.clear()
            try:
                await self._strike_off()
                if self._clock() >= next_beat:
                    close(await self._beat())
            except BrokerUnavailable as problem:
                # The last answer may have been lost, so what the store counts is not known: a new name is.
                self._count_anew = True
                self._left.clear()
                logger.debug("the count of sockets waits for the store: %s", problem)
            if self._clock() >= next_beat:
                next_beat = self._clock() + BEAT_SECONDS

    async def close(self) -> None:
        """Count no more: a successor's sockets must not meet these."""
        with contextlib.suppress(BrokerUnavailable):  # then the missing heartbeats say the same a little later
            await self._retire()

    async def _retire(self) -> None:
        await self._calls.call("cloudchat_sockets_retire_v1", [f"{_PREFIX}alive:{self._process}"])

    async def _enter(self, number: int, place: ConnectionSlot) -> bool:
        process = self._process
        keys = [*place.sets, f"{_PREFIX}alive:{process}"]
        arguments = _PREFIX, process, number, *self._limits, ALIVE_SECONDS, str(place.opened_at)
        outcome = await self._calls.call("cloudchat_sockets_enter_v1", keys, *arguments, seconds=ENTER_SECONDS)
        if process != self._process:  # counted anew in the meantime, with this one
            await self._calls.call("cloudchat_sockets_leave_v1", place.sets, *[f"{process} {number}"] * 2)
        return bool(outcome != -1)

    async def _strike_off(self) -> None:
        while self._left:
            leaving, self._left = self._left[:LEAVING_AT_ONCE], self._left[LEAVING_AT_ONCE:]
            keys = [key for _, place in leaving for key in place.sets]
            members = [f"{self._process} {number}" for number, _ in leaving for _ in range(2)]
            await self._calls.call("cloudchat_sockets_leave_v1", keys, *members)

    async def _beat(self) -> list[int]:
        if not self._open:
            return []  # nothing to keep alive; the next socket begins to
        keys = [f"{_PREFIX}alive:{self._process}", f"{_PREFIX}leaving:{self._process}"]
        known, numbers = await self._calls.call("cloudchat_sockets_beat_v1", keys, ALIVE_SECONDS)
        if self._count_anew or not known:
            await self._enter_all()
        return [int(number) for number in numbers]

    async def _enter_all(self) -> None:
        # Under a new name, so that whatever is left of the old one, which is not known, is struck off with it.
        self._count_anew = False
        await self._retire()
        self._process = _new_name()
        self._left.clear()
        places = list(self._open.items())
        for start in range(0, len(places), AT_ONCE):
            some = places[start : start + AT_ONCE]
            await asyncio.gather(*(self._enter(number, place) for number, place in some))


def _new_name() -> str:
    return secrets.token_urlsafe(9)
