"""Once a day, in the background: what has been dead for long leaves the database."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator

from cloudchat.database.transactions import DatabaseUnavailable

logger = logging.getLogger(__name__)

DAY_SECONDS = 86400.0
AGAIN_SECONDS = 600.0
PAUSE_SECONDS = 0.05
"""Between two steps others get at the database."""

Prune = Callable[[float], Iterator[int]]
"""Takes the time now; each step of the iterator blocks for one transaction, and says how many rows it deleted."""


async def prune_daily(prune: Prune, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
    """At the start, and every day, for ever. While the database is away it tries again every ten minutes."""
    while True:
        deleted = 0
        try:
            steps = prune(time.time())
            while (rows := await asyncio.to_thread(next, steps, None)) is not None:
                deleted += rows
                await sleep(PAUSE_SECONDS)
        except DatabaseUnavailable:
            logger.warning("pruning waits: the database does not answer rows=%d", deleted)
            await sleep(AGAIN_SECONDS)
            continue
        if deleted:
            logger.info("pruned what was dead for long rows=%d", deleted)
        await sleep(DAY_SECONDS)
