"""Open sockets of several processes, counted together in each real store."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

import pytest
import redis

from cloudchat.broker.connections.redis_functions import RedisFunctions
from cloudchat.rate_limiting.connections import cluster_connection_limit, handshake_calls
from cloudchat.rate_limiting.connections.cluster_connection_limit import ClusterConnectionLimit
from cloudchat.rate_limiting.connections.connection_rate import Window
from cloudchat.rate_limiting.connections.handshake_calls import PREFIX
from support.stores import RunningStore

pytestmark = pytest.mark.anyio

TIMEOUT_SECONDS = 15


class Process:
    """The limit of one process, and the slots whose sockets it must close."""

    def __init__(self, store: RunningStore, per_user: int, per_address: int) -> None:
        self.functions = RedisFunctions(store.url, libraries=[cluster_connection_limit.FUNCTIONS])
        self.limit = ClusterConnectionLimit(self.functions, per_user=per_user, per_address=per_address)
        self.replaced: asyncio.Queue[int] = asyncio.Queue()

    def replace(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self.replaced.put_nowait(number)


@asynccontextmanager
async def running_processes(
    store: RunningStore, count: int, *, per_user: int = 100, per_address: int = 100
) -> AsyncIterator[list[Process]]:
    processes = [Process(store, per_user, per_address) for _ in range(count)]
    tasks = [asyncio.create_task(process.limit.run(process.replace)) for process in processes]
    try:
        yield processes
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for process in processes:
            await process.limit.close()
            await process.functions.close()


@pytest.fixture(autouse=True)
def long_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine the store can be slower than a handshake waits; then each process would count alone."""
    monkeypatch.setattr(handshake_calls, "CALL_SECONDS", 10.0)


@pytest.fixture
def user() -> str:
    return uuid.uuid4().hex


async def wait_until_equal(read: Callable[[], Awaitable[object]], expected: object) -> None:
    """Read until the value is the expected one. The count is updated by the heartbeats."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while await read() != expected:  # noqa: ASYNC110 (the store changes it)
            await asyncio.sleep(0.05)


async def test_the_oldest_socket_is_replaced_in_any_process(store: RunningStore, user: str) -> None:
    async with running_processes(store, 2, per_user=2) as (one, two):
        first = await one.limit.acquire(user, "a")
        await two.limit.acquire(user, "a")
        await two.limit.acquire(user, "a")
        assert await asyncio.wait_for(one.replaced.get(), TIMEOUT_SECONDS) == first
        assert two.replaced.empty()


async def test_an_address_is_limited_in_all_processes_together(store: RunningStore, user: str) -> None:
    network = f"net-{user}"
    async with running_processes(store, 2, per_address=2) as (one, two):
        number = await one.limit.acquire(user, network)
        assert await two.limit.acquire("second", network) is not None
        assert await two.limit.acquire("third", network) is None
        assert number is not None
        one.limit.release(number)

        async def acquired() -> bool:
            return await two.limit.acquire("third", network) is not None

        await wait_until_equal(acquired, True)


async def test_what_a_closed_socket_owes_is_known_in_the_other_processes(store: RunningStore, user: str) -> None:
    async with running_processes(store, 2) as (one, two):
        closed = await one.limit.acquire(user, "a")
        assert closed is not None
        assert one.limit.sends_owed_ms(closed) == 0
        one.limit.release(closed, 60_000)

        async def owed() -> bool:
            opened = await two.limit.acquire(user, "a")
            assert opened is not None
            return 50_000 < two.limit.sends_owed_ms(opened) <= 60_000

        await wait_until_equal(owed, True)
        other = await two.limit.acquire(f"{user} too", "a")
        assert other is not None
        assert two.limit.sends_owed_ms(other) == 0


async def test_the_sockets_of_a_killed_process_expire(store: RunningStore, user: str) -> None:
    network = f"net-{user}"
    async with running_processes(store, 1, per_address=1) as (survivor,):
        killed = Process(store, 100, 1)  # its `run` is never called, so it sends no second heartbeat
        assert await killed.limit.acquire(user, network) is not None
        assert await survivor.limit.acquire(user, network) is None

        async def acquired() -> bool:
            return await survivor.limit.acquire(user, network) is not None

        await wait_until_equal(acquired, True)
        await killed.functions.close()


@pytest.mark.parametrize("fault", ["emptied", "killed"])
async def test_open_sockets_are_registered_again_when_the_store_is_back(
    store: RunningStore, user: str, fault: str
) -> None:
    network = f"net-{user}"
    async with running_processes(store, 2, per_address=2) as (one, two):
        await one.limit.acquire(user, network)
        if fault == "emptied":
            with redis.Redis(port=store.port) as connection:
                connection.flushall()
        else:
            store.kill()
            assert await one.limit.acquire(user, network) is not None  # admitted without a delay
            store.start()
            await one.limit.acquire(f"{user} too", "elsewhere")

        async def counted() -> int:
            with redis.Redis(port=store.port) as connection:
                return int(connection.zcard(f"cloudchat:{{sockets}}:address:{network}"))

        await wait_until_equal(counted, 1 if fault == "emptied" else 2)
        if fault == "killed":

            async def rejected() -> bool:
                return await two.limit.acquire("another", network) is None

            await wait_until_equal(rejected, True)


async def test_nothing_is_written_to_the_file_of_the_store(store: RunningStore, user: str) -> None:
    windows = [Window("address:a", 10, 60)]
    with RunningStore(store.binary) as new_store, redis.Redis(port=new_store.port) as connection:

        def size() -> int:
            return int(connection.info("persistence")["aof_current_size"])

        async with running_processes(new_store, 1) as (process,):
            first = await process.limit.acquire(user, "a", windows)  # loads the functions, which the file has
            assert first is not None
            before = size()
            await process.limit.count_handshake(windows)
            await process.limit.acquire(user, "a", windows)
            process.limit.release(first, 60_000)
            await wait_until_equal(lambda: asyncio.to_thread(connection.zcard, f"{PREFIX}user:{user}"), 1)
            assert size() == before
