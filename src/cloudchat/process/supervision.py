"""Supervised background tasks: failures are logged and counted; without a permanent task a process is not ready."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

logger = logging.getLogger(__name__)


class Supervisor:
    """The owner of a process's background tasks. For one event loop.

    `failures` counts the tasks that ended by an unexpected exception. `dead` names the permanent tasks that ended: if
    there are any, the process must be restarted.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self.failures = 0
        self.dead: list[str] = []

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run a task that may end; an exception is logged and counted."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)
        return task

    def spawn_permanent(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run a task that must never end; if it does, the process is not ready any more."""
        task = self.spawn(work, name)
        task.add_done_callback(self._on_permanent_done)
        return task

    async def stop(self) -> None:
        """Cancel all tasks and wait for their end."""
        tasks = list(self._tasks)
        for task in tasks:
            task.remove_done_callback(self._on_permanent_done)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failures += 1
            logger.error("background task %r failed", task.get_name(), exc_info=error)

    def _on_permanent_done(self, task: asyncio.Task[None]) -> None:
        logger.critical("permanent background task %r has ended: this process is not ready any more", task.get_name())
        self.dead.append(task.get_name())
