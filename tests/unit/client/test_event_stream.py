import asyncio

import pytest

from cloudchat.client.errors import Closed
from cloudchat.client.event_stream import EventStream
from cloudchat.client.updates import Passing


def test_a_reader_that_is_behind_stops_the_flow_and_starts_it_again_when_it_caught_up() -> None:
    async def scenario() -> None:
        calls: list[str] = []
        stream = EventStream(2, lambda: calls.append("full"), lambda: calls.append("empty"))
        for number in range(3):
            stream.put(Passing({"n": number}))
        assert calls == ["full"]
        got = [await anext(stream) for _ in range(3)]
        assert [update.frame["n"] for update in got if isinstance(update, Passing)] == [0, 1, 2]
        reader = asyncio.create_task(anext(stream))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        assert calls == ["full", "empty"]
        stream.put(Passing({"n": 3}))
        assert await reader == Passing({"n": 3})

    asyncio.run(scenario())


def test_the_end_comes_after_what_is_still_there() -> None:
    async def scenario() -> None:
        stream = EventStream(9, lambda: None, lambda: None)
        stream.put(Passing({}))
        stream.end(Closed("over"))
        await anext(stream)
        with pytest.raises(Closed):
            await anext(stream)

    asyncio.run(scenario())
