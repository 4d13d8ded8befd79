"""The Python client against the real server."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator

import pytest

from cloudchat.client import (
    ChatClient,
    Connected,
    ConnectionEnded,
    ConnectionLost,
    Disconnected,
    Gap,
    Joined,
    JoinRefused,
    Message,
    ReconnectPolicy,
    RequestRefused,
    RoomEvent,
    SendRefused,
    SignInRequired,
    Update,
)
from support.accounts import Account, login, register
from support.server import RunningServer, free_port
from support.update_listener import UpdateListener

pytestmark = pytest.mark.anyio


def client_of(server: RunningServer, account: Account, listener: UpdateListener | None = None) -> ChatClient:
    async def token(fresh: bool) -> str:
        return account.access_token

    policy = ReconnectPolicy(base_seconds=0.1, max_seconds=1)
    return ChatClient(server.ws_url, token, on_update=listener, policy=policy, options={"proxy": None})


async def test_two_clients_continue_after_the_server_was_killed(server: RunningServer) -> None:
    ann, bob = await asyncio.to_thread(lambda: (register(server.url), register(server.url)))
    listener = UpdateListener()
    async with client_of(server, ann) as one, client_of(server, bob, listener) as two:
        two.join("lobby")
        await one.send("lobby", "before")
        await listener.wait_for(lambda update: isinstance(update, RoomEvent))
        await asyncio.to_thread(server.kill)
        waiting = asyncio.create_task(one.send("lobby", "while it was down"))
        await asyncio.to_thread(server.start)
        ack = await waiting
        await one.send("lobby", "after", reply_to=ack.seq)
        await listener.wait_for(lambda update: isinstance(update, RoomEvent) and update.seq == 3)
        position = two.position("lobby")
    assert listener.texts == ["before", "while it was down", "after"]
    assert position is not None
    assert position.seq == 3
    assert any(isinstance(update, Joined) and update.status == "recovered" for update in listener.updates)
    assert not any(isinstance(update, Gap) for update in listener.updates)


async def test_join_continues_from_the_position_of_an_earlier_client(server: RunningServer) -> None:
    account = await asyncio.to_thread(register, server.url)
    async with client_of(server, account) as first:
        first.join("lobby")
        await first.send("lobby", "one")
        position = first.position("lobby")
        for text in ("two", "three"):
            await first.send("lobby", text)
    listener = UpdateListener()
    async with client_of(server, account, listener) as second:
        second.join("lobby", after=position)
        await listener.wait_for(lambda update: isinstance(update, RoomEvent) and update.seq == 3)
    seqs = [update.seq for update in listener.updates if isinstance(update, RoomEvent)]
    assert seqs == list(range((position.seq if position else 0) + 1, 4))


async def test_a_slow_reader_receives_every_event() -> None:
    with RunningServer(environment={"CLOUDCHAT_SENDS_PER_10S": "1000"}) as server:
        account = await asyncio.to_thread(register, server.url)
        async with client_of(server, account) as client:
            updates = client.updates(max_buffered=10)
            client.join("lobby")
            for number in range(60):  # nothing is read in the meantime, and the acks still arrive
                await client.send("lobby", str(number))
            texts: list[str] = []
            async with asyncio.timeout(20):
                async for update in updates:
                    assert not isinstance(update, Gap)
                    if isinstance(update, Message):
                        texts.append(update.text)
                        if len(texts) == 60:
                            break
    assert texts == [str(number) for number in range(60)]


async def test_a_refusal_is_raised_by_its_call_or_delivered_as_join_refused(server: RunningServer) -> None:
    account = await asyncio.to_thread(register, server.url)
    listener = UpdateListener()
    async with client_of(server, account, listener) as client:
        with pytest.raises(ConnectionLost):
            await client.request("ping")
        await listener.wait_for(lambda update: isinstance(update, Connected))
        assert (await client.request("ping"))["type"] == "pong"
        with pytest.raises(RequestRefused, match="bad_request"):
            await client.request("zap")
        with pytest.raises(SendRefused, match="too_large"):
            await client.send("lobby", "x" * 4001)
        client.join("nowhere")
        refused = await listener.wait_for(lambda update: isinstance(update, JoinRefused))
        assert isinstance(refused, JoinRefused)
        assert (refused.room, refused.code) == ("nowhere", "not_found")
        assert (await client.send("lobby", "still here")).seq == 1


async def test_sends_over_the_rate_limit_are_retried() -> None:
    with RunningServer(environment={"CLOUDCHAT_SENDS_PER_10S": "20"}) as server:
        account = await asyncio.to_thread(register, server.url)
        async with client_of(server, account) as client:
            acks = await asyncio.gather(*(client.send("lobby", str(number)) for number in range(23)))
        assert [ack.seq for ack in acks] == list(range(1, 24))


async def test_an_expiring_token_is_replaced_without_a_reconnect() -> None:
    environment = {"CLOUDCHAT_ACCESS_TOKEN_SECONDS": "5", "CLOUDCHAT_HEARTBEAT_SECONDS": "1"}
    with RunningServer(environment=environment) as server:
        account = await asyncio.to_thread(register, server.url)
        calls: list[bool] = []

        async def token(fresh: bool) -> str:
            calls.append(fresh)
            if fresh:
                return (await asyncio.to_thread(login, server.url, account.name)).access_token
            return account.access_token

        listener = UpdateListener()
        async with ChatClient(server.ws_url, token, on_update=listener, options={"proxy": None}) as client:
            async with asyncio.timeout(20):
                while len(calls) < 4:  # longer than the lifetime of one token
                    assert not (await client.send("lobby", "hello")).duplicate
                    await asyncio.sleep(0.6)
        assert calls == [False, True, True, True]
        assert not any(isinstance(update, Disconnected) for update in listener.updates)


async def test_the_client_ends_when_no_token_is_accepted(server: RunningServer) -> None:
    async def token(fresh: bool) -> str:
        return "a.b.c"

    async with ChatClient(server.ws_url, token, options={"proxy": None}) as client:
        sending = asyncio.create_task(client.send("lobby", "hello"))
        async with asyncio.timeout(20):
            assert isinstance(await client.ended(), SignInRequired)
        with pytest.raises(SignInRequired):
            await sending
        with pytest.raises(SignInRequired):
            await client.send("lobby", "again")


async def test_a_terminal_close_code_ends_the_client_and_its_iterator(server: RunningServer) -> None:
    account = await asyncio.to_thread(register, server.url)
    listener = UpdateListener()
    async with client_of(server, account, listener) as client:
        updates = client.updates()
        await listener.wait_for(lambda update: isinstance(update, Connected))
        for _ in range(21):
            with pytest.raises((RequestRefused, ConnectionEnded, ConnectionLost)):
                await client.request("zap")
        async with asyncio.timeout(20):
            end = await client.ended()
            assert isinstance(end, ConnectionEnded)
            assert end.code == 4400
            with pytest.raises(ConnectionEnded):
                await read_all(updates)


async def read_all(updates: AsyncIterator[Update]) -> None:
    async for _ in updates:
        pass


# -- proxies and tokens from the environment --


@pytest.fixture
def refusing_proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A proxy that refuses every connection, for all schemes of the environment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                with peer:
                    peer.recv(65536)
                    peer.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            monkeypatch.setenv(name, url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield url
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_server_on_this_machine_is_reached_without_the_proxy(
    server: RunningServer, refusing_proxy: str, host: str
) -> None:
    account = register_directly(server)

    async def token(fresh: bool) -> str:
        return account.access_token

    async with asyncio.timeout(10), ChatClient(f"ws://{host}:{server.port}/ws", token) as client:
        assert not (await client.send("lobby", "past the proxy")).duplicate


async def test_a_proxy_that_refuses_is_an_error(refusing_proxy: str) -> None:
    async def token(fresh: bool) -> str:
        return "token"

    async with asyncio.timeout(10), ChatClient("ws://chat.example.test/ws", token) as client:
        with pytest.raises(ConnectionEnded, match="the proxy refused the connection"):
            await client.send("lobby", "never sent")


@pytest.mark.parametrize("blanks", ["\n", "\r\n", " \t\n"])
async def test_blanks_around_a_token_are_removed(server: RunningServer, blanks: str) -> None:
    account = register(server.url)

    async def token(fresh: bool) -> str:
        return f"{blanks}{account.access_token}{blanks}"

    async with asyncio.timeout(10), ChatClient(server.ws_url, token, options={"proxy": None}) as client:
        assert not (await client.send("lobby", "trimmed")).duplicate


@pytest.mark.parametrize("bad", ["", "\n", "two words", "two\nlines", "tökens", "nul\0"])
async def test_a_token_that_cannot_be_sent_is_an_error(server: RunningServer, bad: str) -> None:
    async def token(fresh: bool) -> str:
        return bad

    async with asyncio.timeout(10), ChatClient(server.ws_url, token, options={"proxy": None}) as client:
        with pytest.raises(SignInRequired, match="token"):
            await client.send("lobby", "never sent")


async def test_a_failed_connection_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def token(fresh: bool) -> str:
        return "token"

    listener = UpdateListener()
    async with ChatClient(f"ws://127.0.0.1:{free_port()}/ws", token, on_update=listener):
        await listener.wait_for(lambda update: isinstance(update, Disconnected))
    assert "not connected to ws://127.0.0.1:" in caplog.text
    assert "token" not in caplog.text


def register_directly(server: RunningServer) -> Account:
    """Register without the proxy of the environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            patch.delenv(name)
        return register(server.url)
