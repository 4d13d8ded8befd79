"""The waiting commands of one connection: in order within a room, and those of several rooms at the same time.

A client that comes back joins all of its rooms at once. Each join waits for answers of the store: one after the other
would take seconds.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

MAX_CONCURRENT_LANES = 16
"""What is read is charged when it is known. So a user can overdraw the budget by this many reads, once."""

QueuedCommand = Callable[[], Awaitable[None]]
Spawn = Callable[[Coroutine[Any, Any, None], str], "asyncio.Task[None]"]


class CommandQueue:
    """A lane for each room that has waiting commands."""

    __slots__ = ("_failed", "_lanes", "_ready", "_spawn", "_tasks")

    def __init__(self, spawn: Spawn, failed: Callable[[], None]) -> None:
        """`failed` is called when a command raises, which is a bug. The exception goes to the task's supervisor."""
        self._spawn = spawn
        self._failed = failed
        self._lanes: dict[str, deque[QueuedCommand]] = {}
        self._ready: deque[str] = deque()
        """Lanes with a waiting command and without a running one, the longest waiting first."""
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, lane: str, command: QueuedCommand) -> None:
        """Run `command` after those of its lane that were added before it."""
        commands = self._lanes.get(lane)
        if commands is not None:
            commands.append(command)
            return
        self._lanes[lane] = deque([command])
        self._ready.append(lane)
        if len(self._tasks) < MAX_CONCURRENT_LANES:
            task = self._spawn(self._run(), "commands")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def cancel(self) -> None:
        """Drop the waiting commands and cancel the running ones."""
        self._ready.clear()
        for task in self._tasks:
            task.cancel()

    async def _run(self) -> None:
        while self._ready:
            lane = self._ready.popleft()
            commands = self._lanes[lane]
            try:
                await commands[0]()
            except Exception:
                self._failed()
                raise
            commands.popleft()
            if commands:
                self._ready.append(lane)
            else:
                del self._lanes[lane]
