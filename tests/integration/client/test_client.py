"""The Python client against the real server."""

import asyncio
from collections.abc import AsyncIterator, Callable

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
    ReconnectPolicy,
    RequestRefused,
    RoomEvent,
    SendRefused,
    SignInRequired,
    Update,
)
from support.accounts import Account, login, register
from support.server import RunningServer

pytestmark = pytest.mark.anyio


class Listener:
    """Collects the updates of a client; a test can wait for one."""

    def __init__(self) -> None:
        self.updates: list[Update] = []
        self._changed = asyncio.Event()

    def __call__(self, update: Update) -> None:
        self.updates.append(update)
        self._changed.set()

    @property
    def texts(self) -> list[str]:
        return [update.frame["text"] for update in self.updates if isinstance(update, RoomEvent)]

    async def wait_for(self, condition: Callable[[Update], bool]) -> Update:
        async with asyncio.timeout(20):
            while True:
                for update in self.updates:
                    if condition(update):
                        return update
                self._changed.clear()
                await self._changed.wait()


def client_of(server: RunningServer, account: Account, listener: Listener | None = None) -> ChatClient:
    async def token(fresh: bool) -> str:
        return account.access_token

    policy = ReconnectPolicy(base_seconds=0.1, max_seconds=1)
    return ChatClient(server.ws_url, token, on_update=listener, policy=policy, options={"proxy": None})


async def test_two_clients_continue_after_the_server_was_killed(server: RunningServer) -> None:
    ann, bob = await asyncio.to_thread(lambda: (register(server.url), register(server.url)))
    listener = Listener()
    async with client_of(server, ann) as one, client_of(server, bob, listener) as two:
        two.join("lobby")
        await one.send("lobby", "before")
        await listener.wait_for(lambda update: isinstance(update, RoomEvent))
        await asyncio.to_thread(server.kill)
        waiting = asyncio.create_task(one.send("lobby", "while it was down"))
        await asyncio.to_thread(server.start)
        ack = await waiting
        await one.send("lobby", "after", reply_to=ack["seq"])
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
    listener = Listener()
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
                    if isinstance(update, RoomEvent):
                        texts.append(update.frame["text"])
                        if len(texts) == 60:
                            break
    assert texts == [str(number) for number in range(60)]


async def test_a_refusal_is_raised_by_its_call_or_delivered_as_join_refused(server: RunningServer) -> None:
    account = await asyncio.to_thread(register, server.url)
    listener = Listener()
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
        assert (await client.send("lobby", "still here"))["seq"] == 1


async def test_sends_over_the_rate_limit_are_retried() -> None:
    with RunningServer(environment={"CLOUDCHAT_SENDS_PER_10S": "20"}) as server:
        account = await asyncio.to_thread(register, server.url)
        async with client_of(server, account) as client:
            acks = await asyncio.gather(*(client.send("lobby", str(number)) for number in range(23)))
        assert [ack["seq"] for ack in acks] == list(range(1, 24))


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

        listener = Listener()
        async with ChatClient(server.ws_url, token, on_update=listener, options={"proxy": None}) as client:
            async with asyncio.timeout(20):
                while len(calls) < 4:  # longer than the lifetime of one token
                    assert (await client.send("lobby", "hello"))["type"] == "ack"
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
    listener = Listener()
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
