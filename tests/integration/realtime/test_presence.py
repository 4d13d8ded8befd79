"""Presence of several processes through a real store."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial

import pytest
import redis

from cloudchat.broker.redis_functions import RedisFunctions
from cloudchat.broker.subscription import Subscription
from cloudchat.realtime.ephemeral import presence_sync
from cloudchat.realtime.ephemeral.local_presence import LocalPresence
from cloudchat.realtime.ephemeral.presence_sync import PresenceSync
from cloudchat.realtime.ephemeral.presence_view import PresenceView
from cloudchat.realtime.ephemeral.signals import AnySignal, PresenceChanged, receive
from support.stores import RunningStore

pytestmark = pytest.mark.anyio


class Process:
    """The presence of one process. `receives`: whether published changes reach it."""

    def __init__(self, store: RunningStore, *, receives: bool = True) -> None:
        self.functions = RedisFunctions(store.url, libraries=[presence_sync.FUNCTIONS])
        self.changed = asyncio.Event()
        self.local, self.view = LocalPresence(), PresenceView()
        self.sync = PresenceSync(self.functions, self.local, self.view, self.note)
        subscription = Subscription(store.url, "own")
        self.tasks = [asyncio.create_task(self.sync.run())]
        if receives:
            on_signal = partial(receive, receiver=self)
            self.tasks.append(asyncio.create_task(subscription.run(IgnoringListener(), on_signal)))

    def note(self, users: Iterable[str]) -> None:
        if users:
            self.changed.set()

    def signal_received(self, signal: AnySignal) -> None:
        if isinstance(signal, PresenceChanged):
            self.sync.change_received(signal)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():
                await self.changed.wait()
                self.changed.clear()

    async def until_online(self, *users: str) -> None:
        await self.until(lambda: all(map(self.view.is_online, users)))

    async def kill(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.wait(self.tasks)


class IgnoringListener:
    def subscribed(self, room: str) -> None: ...

    def event_received(self, room: str, epoch: str, seq: int, event: bytes) -> None: ...


@asynccontextmanager
async def processes(store: RunningStore, *receives: bool) -> AsyncIterator[list[Process]]:
    running = [Process(store, receives=one) for one in receives]
    try:
        yield running
    finally:
        for process in running:
            await process.kill()
            await process.sync.close()
            await process.functions.close()


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence_sync, "POLL_SECONDS", 0.3)
    monkeypatch.setattr(presence_sync, "FLUSH_SECONDS", 0.05)
    monkeypatch.setattr(presence_sync, "IDLE_SECONDS", 0.05)
    monkeypatch.setattr(presence_sync, "ALIVE_SECONDS", 2)


@pytest.mark.parametrize("receives", [True, False])
async def test_every_process_learns_who_is_online_also_without_messages(store: RunningStore, receives: bool) -> None:
    async with processes(store, receives, receives) as (first, second):
        first.local.socket_opened("ann")
        second.local.socket_opened("bob")
        for process in (first, second):
            await process.until_online("ann", "bob")


async def test_a_user_is_online_until_the_last_process_has_no_socket(
    store: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloudchat.realtime.ephemeral.local_presence.GRACE_SECONDS", 0.0)
    async with processes(store, True, True, True) as (first, second, third):
        first.local.socket_opened("ann")
        second.local.socket_opened("ann")
        second.local.socket_opened("bob")
        await third.until(lambda: third.view.is_online("ann") and third.view.is_online("bob"))
        first.local.socket_closed("ann", 0.0)
        second.local.socket_closed("bob", 0.0)
        await third.until(lambda: not third.view.is_online("bob"))
        assert third.view.is_online("ann")
        second.local.socket_closed("ann", 0.0)
        await third.until(lambda: not third.view.is_online("ann"))


async def test_the_users_of_a_killed_process_go_offline(store: RunningStore) -> None:
    async with processes(store, True, True) as (first, second):
        first.local.socket_opened("ann")
        await second.until(lambda: second.view.is_online("ann"))
        await first.kill()
        await second.until(lambda: not second.view.is_online("ann"))
        with redis.Redis.from_url(store.url) as client:
            assert client.keys("cloudchat:{presence}:online:*") == []


async def test_a_wiped_store_is_filled_again(store: RunningStore) -> None:
    async with processes(store, True, True) as (first, second):
        first.local.socket_opened("ann")
        await second.until(lambda: second.view.is_online("ann"))
        with redis.Redis.from_url(store.url) as client:
            client.flushall()
        third = Process(store)
        await third.until(lambda: third.view.is_online("ann"))
        await third.kill()
        await third.functions.close()


async def test_a_thousand_users_who_come_at_once_are_few_calls(store: RunningStore) -> None:
    async with processes(store, True, True) as (first, second):
        for number in range(3000):
            first.local.socket_opened(f"user {number}")
        await second.until(lambda: len(second.view) == 3000)


async def test_a_user_who_comes_is_announced_at_once(store: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence_sync, "FLUSH_SECONDS", 3600.0)
    monkeypatch.setattr(presence_sync, "IDLE_SECONDS", 3600.0)
    async with processes(store, True) as (process,):
        process.local.socket_opened("ann")
        await process.until_online("ann")
        process.local.socket_opened("bob")  # waits until FLUSH_SECONDS are over
        await process.functions.call("cloudchat_presence_read_v1", ["cloudchat:{presence}:versions", "none"], "")
        assert not process.view.is_online("bob")
