"""The rate of handshakes, counted in each real store for all processes together."""

import uuid

import pytest

from cloudchat.rate_limiting.connection_rate import ConnectionRateLimit
from support.stores import RunningStore

pytestmark = pytest.mark.anyio


@pytest.fixture
def key() -> str:
    return uuid.uuid4().hex


async def test_the_limit_holds_in_the_store(store: RunningStore, key: str) -> None:
    limits = ConnectionRateLimit(store.url, per_address="3/minute", per_user="2/minute")
    waits = [await limits.wait_for_address(key) for _ in range(5)]
    assert [seconds > 0 for seconds in waits] == [False, False, False, True, True]
    assert waits[-1] <= 60
    waits = [await limits.wait_for_user(key) for _ in range(3)]
    assert [seconds > 0 for seconds in waits] == [False, False, True]
    assert await limits.wait_for_address(f"{key}-other") == 0


async def test_all_processes_count_together(store: RunningStore, key: str) -> None:
    one, other = (ConnectionRateLimit(store.url, per_address="2/minute", per_user="2/minute") for _ in range(2))
    assert await one.wait_for_address(key) == 0
    assert await other.wait_for_address(key) == 0
    assert await one.wait_for_address(key) > 0
    assert await other.wait_for_address(key) > 0
