"""The rate of handshakes: counted in the store, or in this process while it is unavailable."""

from collections.abc import Awaitable, Callable, Iterator

import pytest

from cloudchat.broker.embedded.server import EmbeddedServer, find_server_binary
from cloudchat.rate_limiting import connection_rate
from cloudchat.rate_limiting.circuit_breaker import OPEN_SECONDS
from cloudchat.rate_limiting.connection_rate import ConnectionRateLimit

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    running = EmbeddedServer(tmp_path_factory.mktemp("store"), find_server_binary())
    running.start()
    yield running
    running.stop()


async def rejections(count: Callable[[], Awaitable[int]], times: int) -> list[bool]:
    return [bool(await count()) for _ in range(times)]


@pytest.mark.parametrize("url", ["none", "store", "redis://127.0.0.1:1/0", "unix:///nowhere/store.sock"])
async def test_the_limit_holds_with_and_without_a_store(url: str, store: EmbeddedServer) -> None:
    limits = ConnectionRateLimit(
        {"none": None, "store": store.url}.get(url, url), per_address="3/minute", per_user="2/minute"
    )
    key = f"{url}-192.0.2.1"
    assert await rejections(lambda: limits.wait_for_address(key), 5) == [False, False, False, True, True]
    assert await rejections(lambda: limits.wait_for_user(key), 3) == [False, False, True]
    assert 1 <= await limits.wait_for_address(key) <= 60
    assert await limits.wait_for_address(f"{url}-192.0.2.2") == 0


async def test_all_processes_count_together(store: EmbeddedServer) -> None:
    one, other = (ConnectionRateLimit(store.url, per_address="2/minute", per_user="2/minute") for _ in range(2))
    assert await one.wait_for_address("192.0.2.3") == 0
    assert await other.wait_for_address("192.0.2.3") == 0
    assert await one.wait_for_address("192.0.2.3") > 0
    assert await other.wait_for_address("192.0.2.3") > 0


async def test_an_unavailable_store_is_not_called_at_every_handshake(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    calls = 0
    limits = ConnectionRateLimit(
        "redis://127.0.0.1:1/0", per_address="100/minute", per_user="100/minute", clock=lambda: now
    )
    hit = connection_rate._hit

    async def counted_hit(limiter: object, *arguments: object) -> int:
        nonlocal calls
        calls += limiter is limits._shared
        return await hit(limiter, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(connection_rate, "_hit", counted_hit)
    for _ in range(10):
        await limits.wait_for_address("192.0.2.4")
    assert calls == 1
    now += OPEN_SECONDS
    await limits.wait_for_address("192.0.2.4")
    assert calls == 2
