"""Tells this process that rooms have changed, here or elsewhere.

Nothing rests on it: the tasks that are woken wake by themselves every `INTERVAL_SECONDS`.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from cloudchat.core.log_rate_limit import RATE_LIMITED

logger = logging.getLogger(__name__)

INTERVAL_SECONDS = 2.0
PAUSE_SECONDS = 0.02
"""A room that changes a thousand times in a second must not cause a thousand queries."""
ANNOUNCE_SECONDS = 2.0

Announce = Callable[[str, int], Coroutine[Any, Any, None]]
"""Makes a change take effect in all processes, given the room's id and its new version."""


class RoomHints:
    """One flag for each task that waits."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Event] = []

    def flag(self) -> asyncio.Event:
        """Return a new flag, to be waited for by one task."""
        flag = asyncio.Event()
        self._waiting.append(flag)
        return flag

    def wake(self) -> None:
        """Wake all tasks."""
        for flag in self._waiting:
            flag.set()


async def wait(flag: asyncio.Event) -> None:
    """Wait until the flag is set, at most `INTERVAL_SECONDS`, and clear it."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(INTERVAL_SECONDS):
            await flag.wait()
    await asyncio.sleep(PAUSE_SECONDS)
    flag.clear()


class LocalChanges:
    """Announces the changes that the routes of this process make, before the routes answer.

    So the client that removes a member knows, once it has the answer, that the member receives no later message.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._announce: Announce | None = None

    def connect(self, announce: Announce) -> None:
        """Announce changes by this function, on the running event loop."""
        self._loop, self._announce = asyncio.get_running_loop(), announce

    def room_changed(self, room_id: str, version: int) -> None:
        """Announce a change that was committed. Blocks: for threads.

        If the store is away the change takes effect later, in the next rounds of all processes.
        """
        if self._loop is None or self._announce is None:
            return
        announced = asyncio.run_coroutine_threadsafe(self._announce(room_id, version), self._loop)
        try:
            announced.result(ANNOUNCE_SECONDS)
        except Exception:
            logger.warning("a change could not be announced room=%s", room_id, extra=RATE_LIMITED)
