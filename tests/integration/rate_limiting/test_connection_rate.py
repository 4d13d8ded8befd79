"""The rate of handshakes, counted in each real store for all processes together."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest

from cloudchat.broker.connections.redis_functions import RedisFunctions
from cloudchat.rate_limiting.connections import cluster_connection_limit, handshake_calls
from cloudchat.rate_limiting.connections.cluster_connection_limit import ClusterConnectionLimit, TooManyHandshakes
from cloudchat.rate_limiting.connections.connection_rate import ConnectionRates, Window
from support.stores import RunningStore

pytestmark = pytest.mark.anyio

RATES = ConnectionRates(per_address="3/minute", per_user="2/minute")


@pytest.fixture
def key() -> str:
    return uuid.uuid4().hex


@pytest.fixture(autouse=True)
def long_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine the store can be slower than a handshake waits; then each process would count alone."""
    monkeypatch.setattr(handshake_calls, "CALL_SECONDS", 10.0)


@pytest.fixture
async def processes(store: RunningStore) -> AsyncIterator[list[ClusterConnectionLimit]]:
    functions = [RedisFunctions(store.url, libraries=[cluster_connection_limit.FUNCTIONS]) for _ in range(2)]
    yield [ClusterConnectionLimit(each, per_user=100, per_address=100) for each in functions]
    for each in functions:
        await each.close()


async def wait_after(limit: ClusterConnectionLimit, windows: list[Window]) -> int:
    """Count a handshake. Returns 0, or the seconds to wait."""
    try:
        await limit.count_handshake(windows)
    except TooManyHandshakes as error:
        return error.wait_seconds
    return 0


async def test_the_limit_holds_in_the_store(processes: list[ClusterConnectionLimit], key: str) -> None:
    limit = processes[0]
    waits = [await wait_after(limit, RATES.windows_of_address(key)) for _ in range(5)]
    assert [seconds > 0 for seconds in waits] == [False, False, False, True, True]
    assert waits[-1] <= 60
    waits = [await wait_after(limit, [RATES.window_of_user(key)]) for _ in range(3)]
    assert [seconds > 0 for seconds in waits] == [False, False, True]
    assert await wait_after(limit, RATES.windows_of_address(f"{key}-other")) == 0


async def test_all_processes_count_together(processes: list[ClusterConnectionLimit], key: str) -> None:
    one, other = processes
    window = [RATES.window_of_user(key)]
    assert await wait_after(one, window) == 0
    assert await wait_after(other, window) == 0
    assert await wait_after(one, window) > 0
    assert await wait_after(other, window) > 0


async def test_a_window_admits_again_when_its_oldest_handshake_has_left_it(
    processes: list[ClusterConnectionLimit], key: str
) -> None:
    window = [Window(f"user:{key}", 2, 1)]
    assert [await wait_after(processes[0], window) for _ in range(3)] == [0, 0, 1]
    async with asyncio.timeout(10):
        for _ in range(2):  # the second handshake leaves the window after the first
            while await wait_after(processes[0], window):  # noqa: ASYNC110 (the store's clock ends the window)
                await asyncio.sleep(0.05)
    assert await wait_after(processes[0], window) == 1


async def test_one_call_counts_for_the_windows_and_for_the_open_sockets(
    processes: list[ClusterConnectionLimit], key: str
) -> None:
    limit = processes[0]
    windows = [*RATES.windows_of_address(key), RATES.window_of_user(key)]
    assert [await limit.acquire(key, key, windows) is not None for _ in range(2)] == [True, True]
    with pytest.raises(TooManyHandshakes):
        await limit.acquire(key, key, windows)
    assert len(limit) == 2
    assert await wait_after(limit, RATES.windows_of_address(key)) > 0  # it counted for the address, before the user


async def test_handshakes_that_share_a_call_are_counted_one_by_one(
    processes: list[ClusterConnectionLimit], key: str
) -> None:
    async def opened(user: str, network: str) -> bool:
        windows = [*RATES.windows_of_address(network), RATES.window_of_user(user)]
        try:
            return await processes[0].acquire(user, network, windows) is not None
        except TooManyHandshakes:
            return False

    ipv6 = f"2001:db8:{key[:4]}:1::/64"  # has a window more than the other networks
    networks = [key, ipv6, key, ipv6, key, ipv6, key, f"{key}-other"]
    outcomes = await asyncio.gather(*(opened(f"{key} {number}", network) for number, network in enumerate(networks)))
    assert outcomes == [True, True, True, True, True, True, False, True]
    waits = await asyncio.gather(*(wait_after(processes[0], RATES.windows_of_address(name)) for name in networks))
    assert [seconds > 0 for seconds in waits] == [True, True, True, True, True, True, True, False]
