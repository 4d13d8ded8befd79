"""Sockets of several processes, counted together in each real store."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import pytest
import redis

from cloudchat.broker.redis_functions import RedisFunctions
from cloudchat.rate_limiting import cluster_connection_limit
from cloudchat.rate_limiting.cluster_connection_limit import ClusterConnectionLimit
from support.stores import RunningStore

pytestmark = pytest.mark.anyio

LONG = 15


class Process:
    """A census, and the sockets that it was told to close."""

    def __init__(self, store: RunningStore, per_user: int, per_address: int) -> None:
        self.calls = RedisFunctions(store.url)
        self.census = ClusterConnectionLimit(self.calls, per_user=per_user, per_address=per_address)
        self.told: asyncio.Queue[int] = asyncio.Queue()

    def close(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self.told.put_nowait(number)


@asynccontextmanager
async def processes(
    store: RunningStore, count: int, *, per_user: int = 100, per_address: int = 100
) -> AsyncIterator[list[Process]]:
    all_of_them = [Process(store, per_user, per_address) for _ in range(count)]
    tasks = [asyncio.create_task(one.census.run(one.close)) for one in all_of_them]
    try:
        yield all_of_them
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for one in all_of_them:
            await one.census.close()
            await one.calls.close()


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine the store may take longer than a socket would wait: then each process counts by itself."""
    monkeypatch.setattr(cluster_connection_limit, "ACQUIRE_TIMEOUT_SECONDS", 10.0)


@pytest.fixture
def user() -> str:
    return uuid.uuid4().hex


async def eventually(attempt, wanted):
    """Ask until the answer is the wanted one; a census is brought up to date by its own pace."""
    async with asyncio.timeout(LONG):
        while (answer := await attempt()) != wanted:  # noqa: ASYNC110 (it is the store that changes)
            await asyncio.sleep(0.05)
    return answer


async def test_the_oldest_one_goes_in_whichever_process_it_is(store: RunningStore, user: str) -> None:
    async with processes(store, 2, per_user=2) as (one, two):
        first = await one.census.acquire(user, "a")
        await two.census.acquire(user, "a")
        await two.census.acquire(user, "a")
        assert await asyncio.wait_for(one.told.get(), LONG) == first
        assert two.told.empty()


async def test_an_address_has_so_many_places_in_all_of_them(store: RunningStore, user: str) -> None:
    network = f"net-{user}"
    async with processes(store, 2, per_address=2) as (one, two):
        number = await one.census.acquire(user, network)
        assert await two.census.acquire("somebody else", network) is not None
        assert await two.census.acquire("a third", network) is None
        assert number is not None
        one.census.release(number)

        async def enters() -> bool:
            return await two.census.acquire("a third", network) is not None

        await eventually(enters, True)


async def test_what_a_killed_process_had_open_counts_no_more(store: RunningStore, user: str) -> None:
    network = f"net-{user}"
    async with processes(store, 1, per_address=1) as (survivor,):
        killed = Process(store, 100, 1)  # never runs: no heartbeat comes after the first one
        assert await killed.census.acquire(user, network) is not None
        assert await survivor.census.acquire(user, network) is None

        async def enters() -> bool:
            return await survivor.census.acquire(user, network) is not None

        await eventually(enters, True)
        await killed.calls.close()


@pytest.mark.parametrize("trouble", ["emptied", "killed"])
async def test_a_store_that_comes_back_is_told_what_is_open(store: RunningStore, user: str, trouble: str) -> None:
    network = f"net-{user}"
    async with processes(store, 2, per_address=2) as (one, two):
        await one.census.acquire(user, network)
        if trouble == "emptied":
            with redis.Redis(port=store.port) as connection:
                connection.flushall()
        else:
            store.kill()
            assert await one.census.acquire(user, network) is not None  # nobody is kept waiting, or out
            store.start()
            await one.census.acquire(f"{user} too", "elsewhere")

        async def counted() -> int:
            with redis.Redis(port=store.port) as connection:
                return int(connection.zcard(f"cloudchat:{{sockets}}:address:{network}"))

        await eventually(counted, 1 if trouble == "emptied" else 2)
        if trouble == "killed":

            async def refused() -> bool:
                return await two.census.acquire("another", network) is None

            await eventually(refused, True)
