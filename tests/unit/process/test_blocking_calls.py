"""Writers that wait leave threads for the reads that clients wait for."""

import asyncio
import threading

import pytest

from cloudchat.process.blocking_calls import start_enough_threads

pytestmark = pytest.mark.anyio

WRITERS = 16


async def test_a_read_runs_while_all_writers_wait() -> None:
    start_enough_threads()
    all_wait, is_unlocked = threading.Barrier(WRITERS + 1), threading.Event()

    def write() -> None:
        all_wait.wait(10)
        is_unlocked.wait(10)

    writers = [asyncio.create_task(asyncio.to_thread(write)) for _ in range(WRITERS)]
    try:
        await asyncio.to_thread(all_wait.wait, 10)
        assert await asyncio.wait_for(asyncio.to_thread(lambda: "read"), 10) == "read"
    finally:
        is_unlocked.set()
        await asyncio.gather(*writers)
