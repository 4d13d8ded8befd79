import asyncio

import pytest

from cloudchat.observability.health import SharedChecks

pytestmark = pytest.mark.anyio


async def test_requests_at_the_same_time_share_one_check() -> None:
    calls = 0
    answer = asyncio.Event()

    async def check() -> str | None:
        nonlocal calls
        calls += 1
        await answer.wait()
        return f"call {calls}"

    checks = SharedChecks({"store": check})
    requests = [asyncio.create_task(checks.reasons()) for _ in range(10)]
    await asyncio.sleep(0)
    requests[0].cancel()  # a client that leaves
    answer.set()
    results = await asyncio.gather(*requests[1:])
    assert results == [{"store": "call 1"}] * 9
    assert await checks.reasons() == {"store": "call 2"}
