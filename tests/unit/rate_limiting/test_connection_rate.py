"""The rate of handshakes in one process: enforced without a store, and while the store is unavailable."""

import pytest

from cloudchat.core.client_network import SUBSCRIBER_FACTOR
from cloudchat.rate_limiting import connection_rate
from cloudchat.rate_limiting.circuit_breaker import OPEN_SECONDS
from cloudchat.rate_limiting.connection_rate import ConnectionRateLimit

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize("url", [None, "redis://127.0.0.1:1/0", "unix:///nowhere/store.sock"])
async def test_the_limit_holds_without_a_store(url: str | None) -> None:
    limits = ConnectionRateLimit(url, per_address="3/minute", per_user="2/minute")
    waits = [await limits.wait_for_address("192.0.2.1") for _ in range(5)]
    assert [seconds > 0 for seconds in waits] == [False, False, False, True, True]
    assert waits[-1] <= 60
    waits = [await limits.wait_for_user("ann") for _ in range(3)]
    assert [seconds > 0 for seconds in waits] == [False, False, True]
    assert await limits.wait_for_address("192.0.2.2") == 0


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


async def test_the_networks_of_an_ipv6_subscriber_share_a_limit() -> None:
    limits = ConnectionRateLimit(None, per_address="1/minute", per_user="1/minute")
    waits = [await limits.wait_for_address(f"2001:db8:0:{number:x}::/64") for number in range(SUBSCRIBER_FACTOR + 1)]
    assert [seconds > 0 for seconds in waits] == [False] * SUBSCRIBER_FACTOR + [True]
    assert await limits.wait_for_address("2001:db8:1::/64") == 0
