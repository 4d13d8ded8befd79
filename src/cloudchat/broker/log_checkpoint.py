"""What the store has told this process outlives the process: it is kept in the database.

A store that is set back to an older copy while every server is down meets servers that remember nothing, and would give
numbers twice. So each process writes down where the logs stand, every two seconds and at its end, and begins with what
was written. A copy younger than the last two seconds before a crash is the one that this does not find out.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from cloudchat.broker.high_water_marks import HighWaterMarks
from cloudchat.database.transactions import DatabaseUnavailable

logger = logging.getLogger(__name__)

KEEP_SECONDS = 2.0

Save = Callable[[dict[str, tuple[str, int]]], Awaitable[None]]


async def run_checkpoints(marks: HighWaterMarks, save: Save) -> None:
    """Write down what is new, for ever. `save` raises `DatabaseUnavailable`; then it is tried again."""
    while True:
        await asyncio.sleep(KEEP_SECONDS)
        await save_checkpoint(marks, save)


async def save_checkpoint(marks: HighWaterMarks, save: Save) -> None:
    """Write down what is new, or let it be new again."""
    news = marks.take_dirty()
    if not news:
        return
    try:
        await save(news)
    except DatabaseUnavailable:
        marks.mark_dirty(news)
        logger.warning("the places of the logs cannot be written down")
