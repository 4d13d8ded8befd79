"""Rewrite the append-only file of the embedded store after deletions, so that it contains no deleted text any more.

The store's memory has no deleted text once the deletion is acknowledged, but its file still has the command that wrote
it, until the file is rewritten. With the times below this takes at most `MAX_SECONDS` and the duration of a rewrite.

All processes that share the store have this task. A lease in the store makes one of them start the rewrite, and bounds
how often that happens: a rewrite reads and writes everything that the store has.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Protocol

from cloudchat.broker.connections import BrokerUnavailable

logger = logging.getLogger(__name__)

CHECK_SECONDS = 30.0
LEASE_SECONDS = 240
MAX_SECONDS = LEASE_SECONDS + 2 * CHECK_SECONDS
"""From a deletion to the start of the rewrite: the lease was taken just before, and a check was just over."""


class RewritableStore(Protocol):
    """What the task needs of `RedisFunctions`. Both raise `BrokerUnavailable`."""

    async def start_file_rewrite(self, now: float, lease_seconds: int) -> float:
        """Start a rewrite unless one was started within the lease. Return when the last one was started."""

    async def file_rewrite_status(self) -> str:
        """Return `running`, `ok` or `err`."""


class FileRewriter:
    """Call `deleted` after each deletion. Times are in seconds since 1970: all processes are on one machine."""

    def __init__(self, store: RewritableStore, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        # A process may have ended after a deletion and before the rewrite: its successor does it.
        self._deleted_at = clock()
        self._rewritten_at = 0.0
        self._started_at: float | None = None

    def deleted(self) -> None:
        """Record that the file contains a deleted text."""
        self._deleted_at = self._clock()

    async def run(self) -> None:
        """Rewrite the file whenever it is necessary, until cancelled."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                await self.check()
            except BrokerUnavailable as problem:
                logger.warning("the store's file cannot be rewritten now error=%s", problem)

    async def check(self) -> None:
        """Start a rewrite if it is necessary, or check the one that was started. Raises `BrokerUnavailable`."""
        if self._started_at is not None:
            status = await self._store.file_rewrite_status()
            if status == "running":
                return
            if status == "ok":
                self._rewritten_at = self._started_at
            else:
                logger.warning("the rewrite of the store's file has failed; it is repeated")
            self._started_at = None
        if self._rewritten_at > self._deleted_at:
            return
        now = self._clock()
        started_at = await self._store.start_file_rewrite(now, LEASE_SECONDS)
        if started_at == now:
            self._started_at = now
        else:
            self._rewritten_at = started_at  # of another process, which checks it
