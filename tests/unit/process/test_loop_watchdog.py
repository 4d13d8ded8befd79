import asyncio
import threading

from cloudchat.process.loop_watchdog import watch_loop


def test_blocked_loop_is_reported() -> None:
    reported = threading.Event()

    async def main() -> None:
        watch_loop(asyncio.get_running_loop(), 0.1, on_blocked=reported.set)
        assert reported.wait(10), "the blocked loop was not reported"

    asyncio.run(main())


def test_running_loop_is_not_reported_and_a_closed_one_ends_the_thread() -> None:
    reported = threading.Event()
    before = set(threading.enumerate())

    async def main() -> None:
        watch_loop(asyncio.get_running_loop(), 0.4, on_blocked=reported.set)
        for _ in range(20):
            await asyncio.sleep(0.02)

    asyncio.run(main())
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive()
    assert not reported.is_set()
