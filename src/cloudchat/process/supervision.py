"""Background tasks that somebody watches: a death is logged, counted, and the process says that it is not ready."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

logger = logging.getLogger(__name__)


class Supervisor:
    """Owner of a process's background tasks. Use on one event loop only."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self.failures = 0
        """Tasks that ended by an exception that nobody expected."""
        self.dead: list[str] = []
        """Names of the permanent tasks that have ended: with one here the process must be replaced."""

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run something that ends by itself; an exception is logged and counted."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def keep(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run something that must never end; its end makes the process not ready."""
        task = self.spawn(work, name)
        task.add_done_callback(self._died)
        return task

    async def stop(self) -> None:
        """Cancel everything and wait for it."""
        tasks = list(self._tasks)
        for task in tasks:
            task.remove_done_callback(self._died)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (problem := task.exception()) is not None:
            self.failures += 1
            logger.error("background task %r failed", task.get_name(), exc_info=problem)

    def _died(self, task: asyncio.Task[None]) -> None:
        logger.critical("background task %r has ended: this process is not ready any more", task.get_name())
        self.dead.append(task.get_name())
