"""The cluster-wide limit of open sockets without a store: handshakes are admitted, and no slot leaks."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.broker.connections.redis_functions import RedisFunctions
from cloudchat.rate_limiting.circuit_breaker import OPEN_SECONDS
from cloudchat.rate_limiting.connections.cluster_connection_limit import ClusterConnectionLimit, TooManyHandshakes
from cloudchat.rate_limiting.connections.connection_rate import Window
from cloudchat.rate_limiting.connections.handshake_calls import MAX_HANDSHAKES_PER_CALL

pytestmark = pytest.mark.anyio

OPEN = "cloudchat_sockets_open_v5"
ADMIT = "cloudchat_sockets_admit_v5"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class FakeFunctions:
    """The store's functions: each call is recorded, then fails, hangs or returns 0."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.acquiring = asyncio.Event()
        self.releasing = asyncio.Event()
        self.unavailable = False
        self.error = BrokerUnavailable("no store")
        self.on_call: Callable[[], None] = lambda: None
        self.hangs = False

    async def call(self, function: str, keys: list[str], *arguments: object, **_: object) -> Any:
        self.calls.append(function)
        self.on_call()
        (self.acquiring if function == OPEN else self.releasing).set()
        if self.hangs:
            await asyncio.Event().wait()
        if self.unavailable:
            raise self.error
        if function == OPEN:
            return [[0, 0]] * sum(key.startswith("cloudchat:{sockets}:owed:") for key in keys)
        return [0] * len(keys) if function == ADMIT else 0


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def functions() -> FakeFunctions:
    return FakeFunctions()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limit(functions: FakeFunctions, clock: Clock) -> ClusterConnectionLimit:
    return ClusterConnectionLimit(cast(RedisFunctions, functions), per_user=1, per_address=1, clock=clock)


async def test_an_unavailable_store_admits_handshakes_and_is_skipped(
    limit: ClusterConnectionLimit, functions: FakeFunctions, clock: Clock
) -> None:
    functions.unavailable = True
    numbers = [await limit.acquire("ann", "network") for _ in range(5)]
    assert None not in numbers
    assert len(functions.calls) == 1
    clock.now += OPEN_SECONDS
    assert await limit.acquire("ann", "network") is not None
    assert len(functions.calls) == 2


async def test_a_cancelled_handshake_releases_its_slot(limit: ClusterConnectionLimit, functions: FakeFunctions) -> None:
    functions.hangs = True
    handshake = asyncio.create_task(limit.acquire("ann", "network"))
    await functions.acquiring.wait()
    handshake.cancel()
    with pytest.raises(asyncio.CancelledError):
        await handshake
    functions.hangs = False
    updating = asyncio.create_task(limit.run(lambda numbers: None))
    await asyncio.wait_for(functions.releasing.wait(), 5)
    assert functions.calls == [OPEN, "cloudchat_sockets_leave_v5"]
    updating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await updating


async def handshake_is_admitted(limit: ClusterConnectionLimit, window: Window) -> bool:
    try:
        await limit.count_handshake([window])
    except TooManyHandshakes:
        return False
    return True


async def test_the_rate_holds_without_a_store(limit: ClusterConnectionLimit, functions: FakeFunctions) -> None:
    functions.unavailable = True
    window = Window("address:192.0.2.1", 3, 60)
    assert [await handshake_is_admitted(limit, window) for _ in range(5)] == [True, True, True, False, False]
    assert await handshake_is_admitted(limit, Window("address:192.0.2.2", 3, 60))


async def test_a_rejected_rate_acquires_no_slot(limit: ClusterConnectionLimit, functions: FakeFunctions) -> None:
    functions.unavailable = True
    window = Window("user:ann", 1, 60)
    assert await limit.acquire("ann", "network", [window]) is not None
    with pytest.raises(TooManyHandshakes):
        await limit.acquire("ann", "network", [window])
    assert len(limit) == 1


async def test_an_unavailable_store_is_not_called_at_every_handshake(
    limit: ClusterConnectionLimit, functions: FakeFunctions, clock: Clock
) -> None:
    functions.unavailable = True
    window = Window("address:192.0.2.4", 100, 60)
    for _ in range(10):
        await limit.count_handshake([window])
    assert len(functions.calls) == 1
    clock.now += OPEN_SECONDS
    await limit.count_handshake([window])
    assert len(functions.calls) == 2


async def test_a_timeout_of_a_busy_process_is_no_outage_of_the_store(
    limit: ClusterConnectionLimit, functions: FakeFunctions, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """In a storm of handshakes the event loop ran the timeout before it read the store's answer."""

    def be_late() -> None:
        clock.now += 1.0

    functions.unavailable, functions.on_call = True, be_late
    window = Window("address:192.0.2.4", 1, 60)
    assert [await handshake_is_admitted(limit, window) for _ in range(3)] == [True, False, False]
    assert len(functions.calls) == 3
    assert caplog.text == ""


async def test_closed_sockets_of_a_user_are_released_before_the_next_one_is_counted(
    limit: ClusterConnectionLimit, functions: FakeFunctions
) -> None:
    number = await limit.acquire("ann", "network")
    assert number is not None
    limit.release(number)
    await limit.acquire("bob", "network")
    await limit.acquire("ann", "network")
    assert functions.calls == [OPEN, OPEN, "cloudchat_sockets_leave_v5", OPEN]


async def test_handshakes_of_one_tick_share_a_call(limit: ClusterConnectionLimit, functions: FakeFunctions) -> None:
    window = Window("address:192.0.2.5", 100, 60)
    await asyncio.gather(*(limit.count_handshake([window]) for _ in range(MAX_HANDSHAKES_PER_CALL + 1)))
    await asyncio.gather(*(limit.acquire(f"user {number}", "network", [window]) for number in range(10)))
    assert functions.calls == [ADMIT, ADMIT, OPEN]


async def test_failed_call_fails_for_each_of_its_handshakes(
    limit: ClusterConnectionLimit, functions: FakeFunctions
) -> None:
    functions.unavailable = True
    window = Window("address:192.0.2.6", 3, 60)
    admitted = await asyncio.gather(*(handshake_is_admitted(limit, window) for _ in range(5)))
    assert sorted(admitted) == [False, False, True, True, True]
    assert functions.calls == [ADMIT]
