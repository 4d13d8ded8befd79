import asyncio

import pytest

from cloudchat.process.supervision import Supervisor

pytestmark = pytest.mark.anyio


async def wait_forever() -> None:
    await asyncio.Event().wait()


async def fail() -> None:
    raise ValueError("boom")


async def test_ended_permanent_task_is_dead_and_counted() -> None:
    supervisor = Supervisor()
    task = supervisor.spawn_permanent(fail(), "relay")
    with pytest.raises(ValueError, match="boom"):
        await task
    await asyncio.sleep(0)
    assert (supervisor.dead, supervisor.failures) == (["relay"], 1)


async def test_failed_temporary_task_is_counted_but_not_dead(caplog: pytest.LogCaptureFixture) -> None:
    supervisor = Supervisor()
    task = supervisor.spawn(fail(), "a join")
    with pytest.raises(ValueError, match="boom"):
        await task
    await asyncio.sleep(0)
    assert (supervisor.dead, supervisor.failures) == ([], 1)
    assert "a join" in caplog.text


async def test_stop_marks_no_permanent_task_as_dead() -> None:
    supervisor = Supervisor()
    supervisor.spawn_permanent(wait_forever(), "forever")
    await supervisor.stop()
    assert (supervisor.dead, supervisor.failures) == ([], 0)
