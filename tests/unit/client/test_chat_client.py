"""How the readers of a client's updates affect its rooms."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator

import pytest

from cloudchat.client import ChatClient, ClientClosed, EphemeralEvent, RequestRefused, Update, connection_loop
from cloudchat.client.update_stream import UpdateStream
from unit.client.frames import WELCOME
from unit.client.scripted_socket import ScriptedSocket

pytestmark = pytest.mark.anyio

TYPING = {"type": "typing", "room": "lobby"}


@contextlib.asynccontextmanager
async def in_lobby(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[ChatClient, ScriptedSocket]]:
    """Yield a client that has joined the lobby, and its socket."""
    socket = ScriptedSocket(WELCOME)

    async def open_socket(url: str, token: str, options: object) -> ScriptedSocket:
        return socket

    async def token(fresh: bool) -> str:
        return "t"

    monkeypatch.setattr(connection_loop, "open_socket", open_socket)
    async with ChatClient("ws://x", token) as client:
        client.join("lobby")
        assert (await socket.next_command())["type"] == "join"
        yield client, socket


async def read_all(stream: UpdateStream) -> None:
    async for _ in stream:
        pass


async def test_the_client_rejoins_its_rooms_only_when_all_readers_have_caught_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with in_lobby(monkeypatch) as (client, socket):
        streams = [client.updates(max_buffered=2) for _ in range(2)]
        socket.serve(TYPING, TYPING)
        assert (await socket.next_command())["type"] == "leave"
        first = asyncio.create_task(read_all(streams[0]))
        await asyncio.sleep(0)
        sending = asyncio.create_task(client.send("lobby", "the first reader has caught up"))
        assert (await socket.next_command())["type"] == "send"
        second = asyncio.create_task(read_all(streams[1]))
        assert (await socket.next_command())["type"] == "join"
        for task in (first, second, sending):
            task.cancel()


async def test_closing_the_stream_of_a_slow_reader_rejoins_the_rooms(monkeypatch: pytest.MonkeyPatch) -> None:
    async with in_lobby(monkeypatch) as (client, socket):
        async with contextlib.aclosing(client.updates(max_buffered=1)) as stream:
            socket.serve(TYPING)
            assert (await socket.next_command())["type"] == "leave"
        assert (await socket.next_command())["type"] == "join"
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


async def test_garbage_collection_of_a_slow_readers_stream_rejoins_the_rooms(monkeypatch: pytest.MonkeyPatch) -> None:
    async with in_lobby(monkeypatch) as (client, socket):
        stream = client.updates(max_buffered=1)
        socket.serve(TYPING)
        assert (await socket.next_command())["type"] == "leave"
        del stream
        gc.collect()
        assert (await socket.next_command())["type"] == "join"


async def test_a_stream_that_is_being_read_is_not_garbage_collected(monkeypatch: pytest.MonkeyPatch) -> None:
    async with in_lobby(monkeypatch) as (client, socket):
        received: asyncio.Queue[Update] = asyncio.Queue()

        async def read() -> None:
            with contextlib.suppress(ClientClosed):
                async for update in client.updates():
                    received.put_nowait(update)

        asyncio.create_task(read())  # noqa: RUF006 (no other reference to the task: that is what is tested)
        await asyncio.sleep(0)
        gc.collect()
        socket.serve(TYPING)
        async with asyncio.timeout(10):
            assert await received.get() == EphemeralEvent(TYPING)


async def test_refused_request_says_when_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with in_lobby(monkeypatch) as (client, socket):
        reading = asyncio.create_task(client.request("history", room="lobby", before=9))
        id = (await socket.next_command())["id"]
        refusal = {"code": "rate_limited", "message": "wait", "retryable": True, "retry_after_ms": 250}
        socket.serve({"type": "error", "id": id, **refusal})
        with pytest.raises(RequestRefused) as refused:
            await reading
        assert (refused.value.code, refused.value.retry_after_ms) == ("rate_limited", 250)
