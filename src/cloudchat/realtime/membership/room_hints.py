"""Wakes the tasks that bring this process up to date, when a room has changed here or elsewhere.

Nothing rests on a hint: the tasks wake by themselves every `INTERVAL_SECONDS`.
"""

import asyncio
import contextlib

INTERVAL_SECONDS = 2.0
PAUSE_SECONDS = 0.02
"""A room that changes a thousand times in a second must not cause a thousand queries."""


class RoomHints:
    """One flag for each task that waits."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: list[asyncio.Event] = []

    def flag(self) -> asyncio.Event:
        """Return a new flag, to be waited for by one task. Call it on the event loop."""
        self._loop = asyncio.get_running_loop()
        flag = asyncio.Event()
        self._waiting.append(flag)
        return flag

    def room_changed(self, _room_id: str) -> None:
        """Wake all tasks. Callable from any thread, also before the event loop runs and after its end."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self.wake)

    def wake(self) -> None:
        """Wake all tasks. Call it on the event loop."""
        for flag in self._waiting:
            flag.set()


async def wait(flag: asyncio.Event) -> None:
    """Wait until the flag is set, at most `INTERVAL_SECONDS`, and clear it."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(INTERVAL_SECONDS):
            await flag.wait()
    await asyncio.sleep(PAUSE_SECONDS)
    flag.clear()
