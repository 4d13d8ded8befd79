"""The calls to the store that count handshakes: all handshakes of one tick of the event loop share one call.

After a restart thousands of clients connect at once. A call for each handshake took a tenth of the CPU time of an
opening in this process, and half of that in the store was the overhead of the call.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from msgspec import Struct

from cloudchat.broker.connections.redis_functions import RedisFunctions
from cloudchat.rate_limiting.connections.connection_rate import Window

PREFIX = "cloudchat:{sockets}:"
CALL_SECONDS = 0.25
"""The time that a handshake waits for the store."""
MAX_HANDSHAKES_PER_CALL = 64
"""Other calls to the store wait for 2 ms at most."""
EXPIRE_SECONDS = 6
"""How long the sockets of a process still count after a kill -9. Until then, an address that held more than half of
its allowed sockets there gets some handshakes rejected, and its clients retry. A shorter time would forget a process
whose store is slow for a moment.
"""


class ConnectionSlot(Struct):
    """What one socket counts for."""

    user: str
    network: str
    opened_at: float
    """Seconds since 1970. The oldest socket is replaced first, whichever process counts it and however often."""

    sends_owed_ms: int = 0
    """When the slot was acquired: the time after which the user's closed sockets could again send their full burst."""

    @property
    def owed_key(self) -> str:
        """The key whose expiry says when nothing is owed any more."""
        return f"{PREFIX}owed:{self.user}"

    @property
    def keys(self) -> list[str]:
        """The keys of the two sets that the slot is in."""
        return [f"{PREFIX}user:{self.user}", f"{PREFIX}address:{self.network}"]


class _Handshake(Struct, frozen=True):
    """What the function counts for one handshake, and the future of its part of the reply."""

    keys: list[str]
    arguments: list[str | int]
    reply: "asyncio.Future[Any]"


class HandshakeCalls:
    """Counts handshakes in the store. Both methods raise `BrokerUnavailable`."""

    def __init__(self, functions: RedisFunctions, *, per_user: int, per_address: int) -> None:
        self._functions = functions
        self._limits = per_user, per_address
        self._unknown = _Batch(self._admit_all)
        self._known = _Batch(self._open_all)

    async def admit(self, windows: Sequence[Window]) -> int:
        """Count a handshake in the windows. Return 0, or the milliseconds to wait: then it does not count."""
        wait_ms: int = await self._unknown.add([], [], windows)
        return wait_ms

    async def open(
        self, process_id: str, number: int, slot: ConnectionSlot, windows: Sequence[Window]
    ) -> tuple[int, int]:
        """Count a handshake in the windows, and its socket.

        Return the milliseconds to wait, and -1 if the address has too many sockets, else what the slot owes.
        """
        keys = [*slot.keys, f"{PREFIX}alive:{process_id}", slot.owed_key]
        wait_ms, outcome = await self._known.add(keys, [process_id, number, str(slot.opened_at)], windows)
        return wait_ms, outcome

    async def _admit_all(self, keys: list[str], arguments: list[str | int]) -> Any:
        return await self._functions.call("cloudchat_sockets_admit_v5", keys, *arguments, seconds=CALL_SECONDS)

    async def _open_all(self, keys: list[str], arguments: list[str | int]) -> Any:
        common = PREFIX, *self._limits, EXPIRE_SECONDS
        return await self._functions.call("cloudchat_sockets_open_v5", keys, *common, *arguments, seconds=CALL_SECONDS)


class _Batch:
    """The handshakes of this tick. A handshake that is cancelled still counts, and the others do not notice."""

    def __init__(self, call: Callable[[list[str], list[str | int]], Coroutine[Any, Any, Any]]) -> None:
        """`call` returns the reply to each handshake, in order. Raises `BrokerUnavailable`."""
        self._call = call
        self._handshakes: list[_Handshake] = []
        self._calls: set[asyncio.Task[None]] = set()

    def add(self, keys: list[str], arguments: list[str | int], windows: Sequence[Window]) -> "asyncio.Future[Any]":
        keys += [f"{PREFIX}rate:{window.key}" for window in windows]
        arguments.append(len(windows))
        for window in windows:
            arguments += [window.limit, window.seconds * 1_000_000]
        loop = asyncio.get_running_loop()
        if not self._handshakes:
            loop.call_soon(self._start)
        reply: asyncio.Future[Any] = loop.create_future()
        self._handshakes.append(_Handshake(keys, arguments, reply))
        return reply

    def _start(self) -> None:
        handshakes, self._handshakes = self._handshakes, []
        for start in range(0, len(handshakes), MAX_HANDSHAKES_PER_CALL):
            part = handshakes[start : start + MAX_HANDSHAKES_PER_CALL]
            task = asyncio.get_running_loop().create_task(self._run(part))
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)

    async def _run(self, handshakes: Sequence[_Handshake]) -> None:
        keys = [key for handshake in handshakes for key in handshake.keys]
        arguments = [argument for handshake in handshakes for argument in handshake.arguments]
        try:
            answered = list(zip(handshakes, await self._call(keys, arguments), strict=True))
        except Exception as error:  # also a reply that does not fit: a handshake without an answer would keep its turn
            for handshake in handshakes:
                if not handshake.reply.done():
                    handshake.reply.set_exception(error)
            return
        for handshake, reply in answered:
            if not handshake.reply.done():
                handshake.reply.set_result(reply)
