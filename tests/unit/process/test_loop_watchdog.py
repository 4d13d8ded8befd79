import asyncio
import threading

from cloudchat.process.loop_watchdog import watch_loop


def test_a_blocked_loop_is_noticed() -> None:
    noticed = threading.Event()

    async def live() -> None:
        watch_loop(asyncio.get_running_loop(), 0.1, blocked=noticed.set)
        assert noticed.wait(10), "the loop stood still all that time"

    asyncio.run(live())


def test_a_loop_that_turns_is_left_alone_and_a_closed_one_forgotten() -> None:
    noticed = threading.Event()
    before = set(threading.enumerate())

    async def live() -> None:
        watch_loop(asyncio.get_running_loop(), 0.4, blocked=noticed.set)
        for _ in range(20):
            await asyncio.sleep(0.02)

    asyncio.run(live())
    for watch in set(threading.enumerate()) - before:
        watch.join(10)
        assert not watch.is_alive()
    assert not noticed.is_set()
