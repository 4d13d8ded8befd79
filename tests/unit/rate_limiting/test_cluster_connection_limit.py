"""The cluster-wide limit of open sockets without a store: handshakes are admitted, and no slot leaks."""

import asyncio
from typing import Any, cast

import pytest

from cloudchat.broker.broker import BrokerUnavailable
from cloudchat.broker.redis_functions import RedisFunctions
from cloudchat.rate_limiting.circuit_breaker import OPEN_SECONDS
from cloudchat.rate_limiting.cluster_connection_limit import ClusterConnectionLimit

pytestmark = pytest.mark.anyio


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
        self.hangs = False

    async def call(self, function: str, keys: list[str], *arguments: object, **_: object) -> Any:
        self.calls.append(function)
        (self.acquiring if function == "cloudchat_sockets_enter_v2" else self.releasing).set()
        if self.hangs:
            await asyncio.Event().wait()
        if self.unavailable:
            raise BrokerUnavailable("no store")
        return 0


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
    assert functions.calls == ["cloudchat_sockets_enter_v2", "cloudchat_sockets_leave_v2"]
    updating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await updating
