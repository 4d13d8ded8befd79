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
    SignInNeeded,
    Update,
)
from support.accounts import Account, login, register
from support.server import RunningServer

pytestmark = pytest.mark.anyio


class Listener:
    """Keeps the updates, and lets a test wait for one."""

    def __init__(self) -> None:
        self.updates: list[Update] = []
        self._news = asyncio.Event()

    def __call__(self, update: Update) -> None:
        self.updates.append(update)
        self._news.set()

    @property
    def texts(self) -> list[str]:
        return [update.frame["text"] for update in self.updates if isinstance(update, RoomEvent)]

    async def wait_for(self, condition: Callable[[Update], bool]) -> Update:
        async with asyncio.timeout(20):
            while True:
                for update in self.updates:
                    if condition(update):
                        return update
                self._news.clear()
                await self._news.wait()


def client_of(server: RunningServer, account: Account, listener: Listener | None = None) -> ChatClient:
    async def token(fresh: bool) -> str:
        return account.access_token

    policy = ReconnectPolicy(first_bound=0.1, last_bound=1)
    return ChatClient(server.ws_url, token, on_update=listener, policy=policy, options={"proxy": None})


async def test_two_chat_and_go_on_after_the_server_was_killed(server: RunningServer) -> None:
    ann, bob = await asyncio.to_thread(lambda: (register(server.url), register(server.url)))
    heard = Listener()
    async with client_of(server, ann) as one, client_of(server, bob, heard) as two:
        two.join("lobby")
        await one.send("lobby", "before")
        await heard.wait_for(lambda update: isinstance(update, RoomEvent))
        await asyncio.to_thread(server.kill)
        waiting = asyncio.create_task(one.send("lobby", "while it was down"))
        await asyncio.to_thread(server.start)
        ack = await waiting
        await one.send("lobby", "after", reply_to=ack["seq"])
        await heard.wait_for(lambda update: isinstance(update, RoomEvent) and update.seq == 3)
        position = two.position("lobby")
    assert heard.texts == ["before", "while it was down", "after"]
    assert position is not None
    assert position.seq == 3
    assert any(isinstance(update, Joined) and update.status == "recovered" for update in heard.updates)
    assert not any(isinstance(update, Gap) for update in heard.updates)


async def test_a_position_of_an_earlier_run_is_gone_on_from(server: RunningServer) -> None:
    account = await asyncio.to_thread(register, server.url)
    async with client_of(server, account) as first:
        first.join("lobby")
        await first.send("lobby", "one")
        position = first.position("lobby")
        for text in ("two", "three"):
            await first.send("lobby", text)
    heard = Listener()
    async with client_of(server, account, heard) as second:
        second.join("lobby", after=position)
        await heard.wait_for(lambda update: isinstance(update, RoomEvent) and update.seq == 3)
    seqs = [update.seq for update in heard.updates if isinstance(update, RoomEvent)]
    assert seqs == list(range((position.seq if position else 0) + 1, 4))


async def test_a_reader_that_is_behind_gets_everything_all_the_same() -> None:
    with RunningServer(environment={"CLOUDCHAT_SENDS_PER_10S": "1000"}) as server:
        account = await asyncio.to_thread(register, server.url)
        async with client_of(server, account) as client:
            updates = client.updates(most=10)
            client.join("lobby")
            for number in range(60):  # nobody reads meanwhile, and the acks come nevertheless
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


async def test_refusals_are_told_to_whom_they_concern(server: RunningServer) -> None:
    account = await asyncio.to_thread(register, server.url)
    heard = Listener()
    async with client_of(server, account, heard) as client:
        with pytest.raises(ConnectionLost):
            await client.request("ping")
        await heard.wait_for(lambda update: isinstance(update, Connected))
        assert (await client.request("ping"))["type"] == "pong"
        with pytest.raises(RequestRefused, match="bad_request"):
            await client.request("zap")
        with pytest.raises(SendRefused, match="too_large"):
            await client.send("lobby", "x" * 4001)
        client.join("nowhere")
        refused = await heard.wait_for(lambda update: isinstance(update, JoinRefused))
        assert isinstance(refused, JoinRefused)
        assert (refused.room, refused.code) == ("nowhere", "not_found")
        assert (await client.send("lobby", "still here"))["seq"] == 1


async def test_a_rate_limit_is_waited_out() -> None:
    with RunningServer(environment={"CLOUDCHAT_SENDS_PER_10S": "20"}) as server:
        account = await asyncio.to_thread(register, server.url)
        async with client_of(server, account) as client:
            acks = await asyncio.gather(*(client.send("lobby", str(number)) for number in range(23)))
        assert [ack["seq"] for ack in acks] == list(range(1, 24))


async def test_a_token_that_expires_is_renewed_without_a_new_connection() -> None:
    environment = {"CLOUDCHAT_ACCESS_TOKEN_SECONDS": "5", "CLOUDCHAT_HEARTBEAT_SECONDS": "1"}
    with RunningServer(environment=environment) as server:
        account = await asyncio.to_thread(register, server.url)
        asked: list[bool] = []

        async def token(fresh: bool) -> str:
            asked.append(fresh)
            if fresh:
                return (await asyncio.to_thread(login, server.url, account.name)).access_token
            return account.access_token

        heard = Listener()
        async with ChatClient(server.ws_url, token, on_update=heard, options={"proxy": None}) as client:
            async with asyncio.timeout(20):
                while len(asked) < 4:  # more than one life of a token
                    assert (await client.send("lobby", "hello"))["type"] == "ack"
                    await asyncio.sleep(0.6)
        assert asked == [False, True, True, True]
        assert not any(isinstance(update, Disconnected) for update in heard.updates)


async def test_without_a_token_that_is_accepted_it_gives_up(server: RunningServer) -> None:
    async def token(fresh: bool) -> str:
        return "a.b.c"

    async with ChatClient(server.ws_url, token, options={"proxy": None}) as client:
        sending = asyncio.create_task(client.send("lobby", "hello"))
        async with asyncio.timeout(20):
            assert isinstance(await client.ended(), SignInNeeded)
        with pytest.raises(SignInNeeded):
            await sending
        with pytest.raises(SignInNeeded):
            await client.send("lobby", "again")


async def test_a_terminal_close_ends_it_and_its_iterator(server: RunningServer) -> None:
    account = await asyncio.to_thread(register, server.url)
    heard = Listener()
    async with client_of(server, account, heard) as client:
        updates = client.updates()
        await heard.wait_for(lambda update: isinstance(update, Connected))
        for _ in range(21):
            with pytest.raises((RequestRefused, ConnectionEnded, ConnectionLost)):
                await client.request("zap")
        async with asyncio.timeout(20):
            end = await client.ended()
            assert isinstance(end, ConnectionEnded)
            assert end.code == 4400
            with pytest.raises(ConnectionEnded):
                await read_to_the_end(updates)


async def read_to_the_end(updates: AsyncIterator[Update]) -> None:
    async for _ in updates:
        pass
