import asyncio

import pytest

from cloudchat.client.errors import Closed
from cloudchat.client.event_stream import Backlog
from cloudchat.client.updates import EphemeralEvent


def test_a_reader_that_is_behind_stops_the_flow_and_starts_it_again_when_it_caught_up() -> None:
    async def scenario() -> None:
        calls: list[bool] = []
        backlog = Backlog(2, lambda: calls.append(backlog.full))
        for number in range(3):
            backlog.put(EphemeralEvent({"n": number}))
        assert calls == [True]
        got = [await backlog.take() for _ in range(3)]
        assert [update.frame["n"] for update in got if isinstance(update, EphemeralEvent)] == [0, 1, 2]
        reader = asyncio.create_task(backlog.take())
        await asyncio.sleep(0)
        assert calls == [True, False]
        backlog.put(EphemeralEvent({"n": 3}))
        assert await reader == EphemeralEvent({"n": 3})

    asyncio.run(scenario())


def test_the_end_comes_after_what_is_still_there() -> None:
    async def scenario() -> None:
        backlog = Backlog(9, lambda: None)
        backlog.put(EphemeralEvent({}))
        backlog.end(Closed("over"))
        await backlog.take()
        with pytest.raises(Closed):
            await backlog.take()

    asyncio.run(scenario())
