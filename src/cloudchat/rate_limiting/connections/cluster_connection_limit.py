"""The limits on the handshakes and the open sockets of a user and of an address in all processes together.

The store counts everything that one handshake counts for in one call (`handshake_calls.py`). A process learns which of
its sockets to close by polling every two seconds, not by a message that could be lost. The sockets of a killed process
stop counting when its heartbeats stop. While the store is unavailable no handshake waits for it, and each process
counts its own handshakes and limits its own sockets (`realtime/connection_registry.py`); when the store is back, every
process registers its sockets again.

The store also carries the rate of sends from one process to another: a client must not get a new burst because its next
socket is opened in another process.
"""

import asyncio
import contextlib
import itertools
import logging
import math
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from importlib.resources import files

from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.broker.connections.redis_functions import RedisFunctions
from cloudchat.rate_limiting.circuit_breaker import CircuitBreaker, process_was_busy
from cloudchat.rate_limiting.connections.connection_rate import LocalWindows, Window
from cloudchat.rate_limiting.connections.handshake_calls import (
    CALL_SECONDS,
    EXPIRE_SECONDS,
    PREFIX,
    ConnectionSlot,
    HandshakeCalls,
)

logger = logging.getLogger(__name__)

FUNCTIONS = files("cloudchat.rate_limiting.connections").joinpath("cluster_connection_limit.lua").read_text()
"""The Redis functions that count handshakes and open sockets."""

HEARTBEAT_SECONDS = 2.0
RELEASE_DELAY_SECONDS = 0.05
"""The sockets that are closed within this time are released in one call."""
MAX_CONCURRENT_ACQUIRES = 8
MAX_RELEASES_PER_CALL = 200


class TooManyHandshakes(Exception):
    """A window does not admit the handshake now; it will in `wait_seconds`."""

    def __init__(self, wait_seconds: int) -> None:
        super().__init__(f"wait {wait_seconds} s")
        self.wait_seconds = wait_seconds


class ClusterConnectionLimit:
    """One process's share of the count. `run` must be running."""

    def __init__(
        self, functions: RedisFunctions, *, per_user: int, per_address: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._functions = functions
        self._handshakes = HandshakeCalls(functions, per_user=per_user, per_address=per_address)
        self._clock = clock
        self._process_id = _new_process_id()
        self._numbers = itertools.count(1)
        self._slots: dict[int, ConnectionSlot] = {}
        self._released: list[tuple[int, ConnectionSlot]] = []
        self._owed_ms: dict[str, int] = {}
        """What closed sockets owe and the store does not know yet, by `ConnectionSlot.owed_key`."""
        self._wake_up = asyncio.Event()
        self._local_windows = LocalWindows()
        self._breaker = CircuitBreaker("handshakes and open sockets")
        self._must_register_all = False

    def __len__(self) -> int:
        """Return how many sockets of this process are counted."""
        return len(self._slots)

    async def count_handshake(self, windows: Sequence[Window]) -> None:
        """Count a handshake whose user is not known yet. Raises `TooManyHandshakes`."""
        started_at = self._clock()
        if self._breaker.allows_call(started_at):
            try:
                wait_ms = await self._handshakes.admit(windows)
            except BrokerUnavailable as error:
                self._store_failed(started_at, error)
            else:
                self._breaker.success()
                _check_wait(wait_ms)
                return
        self._count_alone(windows)

    async def acquire(self, user: str, network: str, windows: Sequence[Window] = ()) -> int | None:
        """Count a socket that is being opened. Return the slot's number, or None if the address has too many already.

        The handshake also counts in `windows`, in the same call. If the user has too many sockets, the oldest ones will
        be closed. Every number must be passed to `release`. Raises `TooManyHandshakes`; then no slot is acquired.
        """
        number, slot = next(self._numbers), ConnectionSlot(user, network, time.time())
        self._slots[number] = slot
        started_at = self._clock()
        try:
            if self._breaker.allows_call(started_at):
                try:
                    acquired = await self._acquire_in_store(number, slot, windows)
                except BrokerUnavailable as error:
                    self._store_failed(started_at, error)
                else:
                    if acquired:
                        return number
                    del self._slots[number]
                    return None
            self._must_register_all = True
            self._count_alone(windows)
        except TooManyHandshakes:
            del self._slots[number]
            raise
        except asyncio.CancelledError:
            self.release(number)
            raise
        return number

    def sends_owed_ms(self, number: int) -> int:
        """Return after which time a socket of the same user, closed in any process, could again send its full burst."""
        return self._slots[number].sends_owed_ms

    def release(self, number: int, sends_owed_ms: int = 0) -> None:
        """Stop counting a socket that was closed, or that was not opened after all.

        This process's next handshakes see it; others after `RELEASE_DELAY_SECONDS`.

        `sends_owed_ms` is for the user's next socket, see `sends_owed_ms`.
        """
        slot = self._slots.pop(number)
        if sends_owed_ms:
            self._owed_ms[slot.owed_key] = max(sends_owed_ms, self._owed_ms.get(slot.owed_key, 0))
        self._released.append((number, slot))
        if sends_owed_ms:  # the user's next handshake may be in another process, in the next moment
            self._wake_up.set()
        elif len(self._released) == 1:
            asyncio.get_running_loop().call_later(RELEASE_DELAY_SECONDS, self._wake_up.set)

    async def run(self, replace: Callable[[Iterable[int]], None]) -> None:
        """Keep the count up to date, forever. `replace` gets the numbers of the slots whose sockets must be closed."""
        next_heartbeat = self._clock()
        while True:
            timer = asyncio.get_running_loop().call_later(next_heartbeat - self._clock(), self._wake_up.set)
            try:
                await self._wake_up.wait()
            finally:
                timer.cancel()
            self._wake_up.clear()
            try:
                await self._report_owed()
                await self._release_all()
                if self._clock() >= next_heartbeat:
                    replace(await self._heartbeat())
            except BrokerUnavailable as error:
                # The store may have executed the last call, so its count is unknown: register under a new process id.
                self._must_register_all = True
                self._released.clear()
                logger.debug("the count of open sockets waits for the store: %s", error)
            if self._clock() >= next_heartbeat:
                next_heartbeat = self._clock() + HEARTBEAT_SECONDS

    async def close(self) -> None:
        """Stop counting this process's sockets, so that its successor starts without them."""
        with contextlib.suppress(BrokerUnavailable):  # the missing heartbeats have the same effect a little later
            await self._retire()

    async def _retire(self) -> None:
        await self._functions.call("cloudchat_sockets_retire_v5", [f"{PREFIX}alive:{self._process_id}"])

    async def _acquire_in_store(self, number: int, slot: ConnectionSlot, windows: Sequence[Window]) -> bool:
        # A socket that was closed must not take the place of an open one of the same user.
        if any(released.user == slot.user for _, released in self._released):
            await self._release_all()
        if await self._acquire(number, slot, windows):
            return True
        if not self._released:
            return False
        await self._release_all()
        return await self._acquire(number, slot)

    async def _acquire(self, number: int, slot: ConnectionSlot, windows: Sequence[Window] = ()) -> bool:
        process_id = self._process_id
        wait_ms, outcome = await self._handshakes.open(process_id, number, slot, windows)
        self._breaker.success()
        _check_wait(wait_ms)
        if process_id != self._process_id:  # all slots were registered again in the meantime, this one among them
            await self._functions.call("cloudchat_sockets_leave_v5", slot.keys, *[f"{process_id} {number}"] * 2)
        slot.sends_owed_ms = max(0, outcome)
        return bool(outcome != -1)

    def _store_failed(self, started_at: float, error: BrokerUnavailable) -> None:
        now = self._clock()
        if not process_was_busy(now - started_at, CALL_SECONDS):
            self._breaker.failure(now, error)

    def _count_alone(self, windows: Sequence[Window]) -> None:
        wait_seconds = self._local_windows.hit(windows, self._clock())
        if wait_seconds:
            raise TooManyHandshakes(wait_seconds)

    async def _report_owed(self) -> None:
        owed, self._owed_ms = list(self._owed_ms.items()), {}
        for start in range(0, len(owed), MAX_RELEASES_PER_CALL):
            batch = owed[start : start + MAX_RELEASES_PER_CALL]
            keys, milliseconds = [key for key, _ in batch], [owed_ms for _, owed_ms in batch]
            await self._functions.call("cloudchat_sockets_owe_v5", keys, *milliseconds)

    async def _release_all(self) -> None:
        while self._released:
            batch, self._released = self._released[:MAX_RELEASES_PER_CALL], self._released[MAX_RELEASES_PER_CALL:]
            keys = [key for _, slot in batch for key in slot.keys]
            members = [f"{self._process_id} {number}" for number, _ in batch for _ in range(2)]
            await self._functions.call("cloudchat_sockets_leave_v5", keys, *members)

    async def _heartbeat(self) -> list[int]:
        if not self._slots:
            return []  # there is nothing to keep alive; the next socket registers the process
        keys = [f"{PREFIX}alive:{self._process_id}", f"{PREFIX}leaving:{self._process_id}"]
        known, numbers = await self._functions.call("cloudchat_sockets_beat_v5", keys, EXPIRE_SECONDS)
        if self._must_register_all or not known:
            await self._register_all()
        return [int(number) for number in numbers]

    async def _register_all(self) -> None:
        # A new process id, because it is unknown which slots the store has under the old one. They no longer count.
        self._must_register_all = False
        await self._retire()
        self._process_id = _new_process_id()
        self._released.clear()
        slots = list(self._slots.items())
        for start in range(0, len(slots), MAX_CONCURRENT_ACQUIRES):
            batch = slots[start : start + MAX_CONCURRENT_ACQUIRES]
            await asyncio.gather(*(self._acquire(number, slot) for number, slot in batch))


def _check_wait(wait_ms: int) -> None:
    if wait_ms:
        raise TooManyHandshakes(math.ceil(wait_ms / 1000))


def _new_process_id() -> str:
    return secrets.token_urlsafe(9)
