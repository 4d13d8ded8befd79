"""The lanes of one connection's commands."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from cloudchat.realtime.command_queue import MAX_CONCURRENT_LANES, CommandQueue, QueuedCommand

pytestmark = pytest.mark.anyio


class World:
    """A queue whose commands run until they are released."""

    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[None]] = []
        self.failures = 0
        self.queue = CommandQueue(self.spawn, self.failed)
        self.running: list[str] = []
        self.finished: list[str] = []
        self.released = asyncio.Event()

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self.tasks.append(task)
        return task

    def failed(self) -> None:
        self.failures += 1

    def command(self, name: str, before: Callable[[], object] = lambda: None) -> QueuedCommand:
        async def run() -> None:
            self.running.append(name)
            await self.released.wait()
            before()
            self.finished.append(name)

        return run

    async def finish(self) -> None:
        self.released.set()
        await asyncio.wait(self.tasks)


@pytest.fixture
async def world() -> World:
    return World()


async def test_commands_of_one_lane_run_one_after_the_other(world: World) -> None:
    for name in "abc":
        world.queue.add("lobby", world.command(name))
    await asyncio.sleep(0)
    assert world.running == ["a"]
    await world.finish()
    assert world.finished == ["a", "b", "c"]


async def test_lanes_run_at_the_same_time_up_to_a_bound(world: World) -> None:
    for number in range(500):
        world.queue.add(f"room {number}", world.command(str(number)))
    await asyncio.sleep(0)
    assert world.running == [str(number) for number in range(MAX_CONCURRENT_LANES)]
    await world.finish()
    assert sorted(world.finished, key=int) == [str(number) for number in range(500)]
    assert len(world.tasks) == MAX_CONCURRENT_LANES


async def test_lane_with_many_commands_does_not_hold_up_the_others(world: World) -> None:
    for number in range(100):
        world.queue.add("busy", world.command(f"busy {number}"))
    for number in range(2 * MAX_CONCURRENT_LANES):
        world.queue.add(str(number), world.command(str(number)))
    await world.finish()
    assert world.finished.index(str(2 * MAX_CONCURRENT_LANES - 1)) < world.finished.index("busy 99")
    assert [name for name in world.finished if name.startswith("busy")] == [f"busy {number}" for number in range(100)]


async def test_command_that_is_added_by_a_running_one_runs_after_it(world: World) -> None:
    add_second = world.command("first", before=lambda: world.queue.add("lobby", world.command("second")))
    world.queue.add("lobby", add_second)
    await world.finish()
    assert world.finished == ["first", "second"]


async def test_queue_can_be_used_again_after_it_was_empty(world: World) -> None:
    world.queue.add("lobby", world.command("a"))
    await world.finish()
    world.queue.add("lobby", world.command("b"))
    await asyncio.wait(world.tasks)
    assert world.finished == ["a", "b"]


async def test_command_that_raises_ends_its_lane(world: World) -> None:
    async def fail() -> None:
        raise LookupError("a bug")

    world.queue.add("lobby", fail)
    world.queue.add("lobby", world.command("behind it"))
    await world.finish()
    assert (world.failures, world.finished) == (1, [])
    assert isinstance(world.tasks[0].exception(), LookupError)


async def test_cancelled_queue_runs_nothing_more(world: World) -> None:
    for number in range(2 * MAX_CONCURRENT_LANES):
        world.queue.add(str(number), world.command(str(number)))
    await asyncio.sleep(0)
    world.queue.cancel()
    await world.finish()
    assert world.finished == []
    assert len(world.running) == MAX_CONCURRENT_LANES
