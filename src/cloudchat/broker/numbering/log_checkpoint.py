"""Save the high-water marks in the database, so that they survive a restart of the process.

Without this, a store could assign numbers twice: if it is restored from an older copy while all servers are down, they
start without marks and cannot notice it. So each process saves its marks every two seconds and when it ends, and starts
with the saved ones. One case is not detected: a copy that lacks only the last two seconds before a crash of all
servers.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from cloudchat.broker.numbering.high_water_marks import HighWaterMarks, Mark
from cloudchat.database.transactions import DatabaseUnavailable

logger = logging.getLogger(__name__)

SAVE_SECONDS = 2.0
LOAD_SECONDS = 1.0
"""How long a new connection to the store waits for the database."""

Load = Callable[[], Awaitable[Mapping[str, Mark]]]
"""Returns the saved marks of all processes. Raises `DatabaseUnavailable`."""
Save = Callable[[dict[str, Mark]], Awaitable[None]]
"""Saves marks. Raises `DatabaseUnavailable`."""


async def load_checkpoint(marks: HighWaterMarks, load: Load) -> None:
    """Merge the saved marks of all processes. Continue without them if the database does not answer in time."""
    try:
        async with asyncio.timeout(LOAD_SECONDS):
            marks.merge(await load())
    except (DatabaseUnavailable, TimeoutError):
        logger.warning("log checkpoints cannot be read")


async def save_checkpoint(marks: HighWaterMarks, save: Save) -> None:
    """Save the marks that have changed. If that fails they stay dirty, and the next call saves them."""
    dirty = marks.take_dirty()
    if not dirty:
        return
    try:
        await save(dirty)
    except DatabaseUnavailable:
        marks.mark_dirty(dirty)
        logger.warning("log checkpoints cannot be saved")
    except BaseException:
        # The server is stopping: its last call must save what this one may not have saved.
        marks.mark_dirty(dirty)
        raise


async def run_checkpoints(marks: HighWaterMarks, save: Save) -> None:
    """Save the changed marks every `SAVE_SECONDS`, until cancelled."""
    while True:
        await asyncio.sleep(SAVE_SECONDS)
        await save_checkpoint(marks, save)
