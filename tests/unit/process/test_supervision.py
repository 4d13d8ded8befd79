import asyncio

import pytest

from cloudchat.process.supervision import Supervisor

pytestmark = pytest.mark.anyio


async def fail():
    raise ValueError("boom")


async def test_a_permanent_task_that_ends_is_named():
    supervisor = Supervisor()
    task = supervisor.keep(fail(), "relay")
    with pytest.raises(ValueError, match="boom"):
        await task
    await asyncio.sleep(0)
    assert (supervisor.dead, supervisor.failures) == (["relay"], 1)


async def test_a_passing_task_that_fails_is_counted_but_leaves_the_process_ready(caplog):
    supervisor = Supervisor()
    task = supervisor.spawn(fail(), "a join")
    with pytest.raises(ValueError, match="boom"):
        await task
    await asyncio.sleep(0)
    assert (supervisor.dead, supervisor.failures) == ([], 1)
    assert "a join" in caplog.text


async def test_stopping_is_no_death():
    supervisor = Supervisor()
    supervisor.keep(asyncio.Event().wait(), "forever")
    await supervisor.stop()
    assert (supervisor.dead, supervisor.failures) == ([], 0)
