"""How the readers of a client's updates affect its rooms."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator

import pytest

from cloudchat.client import (
    ChatClient,
    ClientClosed,
    HistoryPage,
    Message,
    RequestRefused,
    SendRefused,
    SignInRequired,
    Typing,
    Update,
    User,
    connection_loop,
)
from cloudchat.client.protocol.room_events import room_event
from cloudchat.client.socket import OpenFailed
from cloudchat.client.update_stream import UpdateStream
from cloudchat.protocol.close_codes import Recovery
from unit.client.frames import ANN, AT, WELCOME, ack, message, room_state
from unit.client.scripted_socket import ScriptedSocket

pytestmark = pytest.mark.anyio

TYPING = {"type": "typing", "room": "lobby", "user": ANN}


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
            assert await received.get() == Typing(room="lobby", user=User(id="u", name="ann"))


async def refuse(socket: ScriptedSocket, code: str, **fields: object) -> None:
    """Answer the next command with an error."""
    id = (await socket.next_command())["id"]
    socket.serve({"type": "error", "id": id, "code": code, "message": "no", **fields})


async def test_refused_request_says_when_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with in_lobby(monkeypatch) as (client, socket):
        reading = asyncio.create_task(client.request("history", room="lobby", before=9))
        await refuse(socket, "rate_limited", retryable=True, retry_after_ms=250)
        with pytest.raises(RequestRefused) as refused:
            await reading
        assert (refused.value.code, refused.value.retry_after_ms) == ("rate_limited", 250)


async def test_each_change_of_a_message_is_acknowledged_by_its_cid(monkeypatch: pytest.MonkeyPatch) -> None:
    async with in_lobby(monkeypatch) as (client, socket):
        cid = "6F9619FF8B86D011B42D00C04FC964FF"
        calls = [
            (client.edit("lobby", 3, "new", cid=cid), {"type": "edit", "seq": 3, "text": "new"}),
            (client.delete("lobby", 3), {"type": "delete", "seq": 3}),
            (client.react("lobby", 3, "👍"), {"type": "react", "seq": 3, "emoji": "👍", "on": True}),
            (client.react("lobby", 3, "👍", on=False), {"type": "react", "seq": 3, "emoji": "👍", "on": False}),
        ]
        for call, expected in calls:
            task = asyncio.create_task(call)
            command = await socket.next_command()
            assert command == {**expected, "room": "lobby", "id": command["cid"], "cid": command["cid"]}
            if expected["type"] == "edit":
                assert command["cid"] == "6f9619ff-8b86-d011-b42d-00c04fc964ff"
            socket.serve(ack(command["cid"], 4))
            assert (await task).seq == 4


async def test_a_refused_change_raises_with_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    async with in_lobby(monkeypatch) as (client, socket):
        deleting = asyncio.create_task(client.delete("lobby", 3))
        await refuse(socket, "muted", retryable=False, retry_after_ms=5000)
        with pytest.raises(SendRefused) as refused:
            await deleting
        assert (refused.value.code, refused.value.retry_after_ms) == ("muted", 5000)


async def test_history_is_typed_and_in_its_current_form(monkeypatch: pytest.MonkeyPatch) -> None:
    async with in_lobby(monkeypatch) as (client, socket):
        reading = asyncio.create_task(client.history("lobby", around=2, limit=5))
        command = await socket.next_command()
        assert command == {"type": "history", "id": command["id"], "room": "lobby", "around": 2, "limit": 5}
        edited = {**message(1), "edited_at": AT, "reactions": [{"emoji": "👍", "count": 2, "users": ["u", "v"]}]}
        notice = {"type": "notice", "room": "lobby", "epoch": "e1", "seq": 2, "kind": "topic", "user": ANN, "at": AT}
        page = {"room": "lobby", "epoch": "e1", "as_of": 9, "more_before": False, "more_after": True}
        socket.serve({"type": "history", "id": command["id"], **page, "events": [edited, {**notice, "value": "tea"}]})
        got = await reading
        assert isinstance(got, HistoryPage)
        assert (got.as_of, got.more_before, got.more_after) == (9, False, True)
        first = got.events[0]
        assert isinstance(first, Message)
        assert (first.edited_at, first.reactions[0].count) == (AT, 2)


async def test_who_and_typing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with in_lobby(monkeypatch) as (client, socket):
        client.typing("lobby")
        assert await socket.next_command() == {"type": "typing", "room": "lobby"}
        asking = asyncio.create_task(client.who("lobby"))
        id = (await socket.next_command())["id"]
        socket.serve({"type": "present", "id": id, "room": "lobby", "users": [ANN], "total": 1})
        assert [user.name for user in (await asking).users] == ["ann"]


async def test_user_and_rooms_are_those_of_welcome(monkeypatch: pytest.MonkeyPatch) -> None:
    async with in_lobby(monkeypatch) as (client, _):
        assert (client.user.name, client.rooms) == ("ann", {})


async def test_an_event_is_unread_until_its_room_is_read_up_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with in_lobby(monkeypatch) as (client, socket):
        stream = client.updates()
        socket.serve({"type": "room_added", "room": room_state("lobby", read=3)})
        await anext(stream)
        assert not client.is_unread(room_event(message(3)))
        assert client.is_unread(room_event(message(4)))
        client.read("lobby", 4)
        assert not client.is_unread(room_event(message(4)))
        assert not client.is_unread(room_event(message(4, room="not a room of the user")))


async def test_a_token_that_is_a_text_is_not_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens: list[str] = []

    async def open_socket(url: str, token: str, options: object) -> ScriptedSocket:
        tokens.append(token)
        raise OpenFailed("refused with HTTP status 401", Recovery.REFRESH, None, 401)

    monkeypatch.setattr(connection_loop, "open_socket", open_socket)
    async with ChatClient("ws://x", "t") as client:
        assert isinstance(await client.ended(), SignInRequired)
    assert tokens == ["t"]
