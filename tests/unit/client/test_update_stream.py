import asyncio

import pytest

from cloudchat.client.errors import ClientClosed
from cloudchat.client.protocol.updates import EphemeralEvent
from cloudchat.client.update_stream import UpdateBuffer


def test_full_is_set_at_the_maximum_and_cleared_when_the_reader_has_caught_up() -> None:
    async def scenario() -> None:
        calls: list[bool] = []
        buffer = UpdateBuffer(2, lambda: calls.append(buffer.full))
        for number in range(3):
            buffer.put(EphemeralEvent({"n": number}))
        assert calls == [True]
        received = [await buffer.get() for _ in range(3)]
        assert [update.frame["n"] for update in received if isinstance(update, EphemeralEvent)] == [0, 1, 2]
        reader = asyncio.create_task(buffer.get())
        await asyncio.sleep(0)
        assert calls == [True, False]
        buffer.put(EphemeralEvent({"n": 3}))
        assert await reader == EphemeralEvent({"n": 3})

    asyncio.run(scenario())


def test_end_is_raised_after_the_buffered_updates() -> None:
    async def scenario() -> None:
        buffer = UpdateBuffer(9, lambda: None)
        buffer.put(EphemeralEvent({}))
        buffer.end(ClientClosed("over"))
        await buffer.get()
        with pytest.raises(ClientClosed):
            await buffer.get()

    asyncio.run(scenario())
