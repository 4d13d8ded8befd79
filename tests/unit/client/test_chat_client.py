"""What readers of one client mean for its rooms."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator

import pytest

from cloudchat.client import ChatClient, Closed, EphemeralEvent, Update, connection_loop
from cloudchat.client.event_stream import EventStream
from unit.client.frames import WELCOME
from unit.client.scripted_socket import ScriptedSocket

pytestmark = pytest.mark.anyio

TYPING = {"type": "typing", "room": "lobby"}


@contextlib.asynccontextmanager
async def in_lobby(patch: pytest.MonkeyPatch) -> AsyncIterator[tuple[ChatClient, ScriptedSocket]]:
    socket = ScriptedSocket(WELCOME)

    async def open_socket(url: str, token: str, options: object) -> ScriptedSocket:
        return socket

    async def token(fresh: bool) -> str:
        return "t"

    patch.setattr(connection_loop, "open_socket", open_socket)
    async with ChatClient("ws://x", token) as client:
        client.join("lobby")
        assert (await socket.hear())["type"] == "join"
        yield client, socket


async def read_to_the_end(stream: EventStream) -> None:
    async for _ in stream:
        pass


async def test_the_rooms_are_left_as_long_as_any_reader_is_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    async with in_lobby(monkeypatch) as (client, socket):
        streams = [client.updates(most=2) for _ in range(2)]
        socket.say(TYPING, TYPING)
        assert (await socket.hear())["type"] == "leave"
        first = asyncio.create_task(read_to_the_end(streams[0]))
        await asyncio.sleep(0)
        saying = asyncio.create_task(client.send("lobby", "the first has caught up"))
        assert (await socket.hear())["type"] == "send"
        second = asyncio.create_task(read_to_the_end(streams[1]))
        assert (await socket.hear())["type"] == "join"
        for task in (first, second, saying):
            task.cancel()


async def test_a_reader_that_has_gone_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async with in_lobby(monkeypatch) as (client, socket):
        async with contextlib.aclosing(client.updates(most=1)) as stream:
            socket.say(TYPING)
            assert (await socket.hear())["type"] == "leave"
        assert (await socket.hear())["type"] == "join"
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


async def test_a_reader_that_was_dropped_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async with in_lobby(monkeypatch) as (client, socket):
        stream = client.updates(most=1)
        socket.say(TYPING)
        assert (await socket.hear())["type"] == "leave"
        del stream
        gc.collect()
        assert (await socket.hear())["type"] == "join"


async def test_a_reader_that_waits_is_none_that_was_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    async with in_lobby(monkeypatch) as (client, socket):
        got: asyncio.Queue[Update] = asyncio.Queue()

        async def read() -> None:
            with contextlib.suppress(Closed):
                async for update in client.updates():
                    got.put_nowait(update)

        asyncio.create_task(read())  # noqa: RUF006 (nobody keeps it, that is the point)
        await asyncio.sleep(0)
        gc.collect()
        socket.say(TYPING)
        async with asyncio.timeout(10):
            assert await got.get() == EphemeralEvent(TYPING)
