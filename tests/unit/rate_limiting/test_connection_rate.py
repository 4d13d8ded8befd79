"""How often sockets may be opened: counted together in the store, and alone when it is away, but never not."""

from collections.abc import Callable, Iterator

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


async def refused(ask: Callable[[], "object"], times: int) -> list[bool]:
    return [bool(await ask()) for _ in range(times)]  # type: ignore[misc]


@pytest.mark.parametrize("url", ["none", "store", "redis://127.0.0.1:1/0", "unix:///nowhere/store.sock"])
async def test_the_limit_holds_whatever_the_store_does(url: str, store: EmbeddedServer) -> None:
    limits = ConnectionRateLimit(
        {"none": None, "store": store.url}.get(url, url), per_address="3/minute", per_user="2/minute"
    )
    who = f"{url}-192.0.2.1"
    assert await refused(lambda: limits.wait_for_address(who), 5) == [False, False, False, True, True]
    assert await refused(lambda: limits.wait_for_user(who), 3) == [False, False, True]
    assert 1 <= await limits.wait_for_address(who) <= 60
    assert await limits.wait_for_address(f"{url}-192.0.2.2") == 0


async def test_all_processes_count_together(store: EmbeddedServer) -> None:
    one, other = (ConnectionRateLimit(store.url, per_address="2/minute", per_user="2/minute") for _ in range(2))
    assert await one.wait_for_address("192.0.2.3") == 0
    assert await other.wait_for_address("192.0.2.3") == 0
    assert await one.wait_for_address("192.0.2.3") > 0
    assert await other.wait_for_address("192.0.2.3") > 0


async def test_a_store_that_is_away_is_not_asked_at_every_handshake(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    asked = 0
    limits = ConnectionRateLimit(
        "redis://127.0.0.1:1/0", per_address="100/minute", per_user="100/minute", clock=lambda: now
    )
    hit = connection_rate._hit

    async def counting(limiter: object, *arguments: object) -> int:
        nonlocal asked
        asked += limiter is limits._shared
        return await hit(limiter, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(connection_rate, "_hit", counting)
    for _ in range(10):
        await limits.wait_for_address("192.0.2.4")
    assert asked == 1
    now += OPEN_SECONDS
    await limits.wait_for_address("192.0.2.4")
    assert asked == 2
