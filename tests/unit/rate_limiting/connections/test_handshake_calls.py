"""Each handshake of a shared call gets an answer, whatever the store replies."""

import asyncio
from typing import Any, cast

import pytest

from cloudchat.broker.connections.redis_functions import RedisFunctions
from cloudchat.rate_limiting.connections.connection_rate import Window
from cloudchat.rate_limiting.connections.handshake_calls import HandshakeCalls

pytestmark = pytest.mark.anyio
WINDOW = Window("address", 10, 60)


class Store:
    """Replies the same to each call."""

    def __init__(self, reply: Any) -> None:
        self.reply = reply

    async def call(self, function: str, keys: list[str], *arguments: str | int, seconds: float) -> Any:
        return self.reply


@pytest.mark.parametrize("reply", [[0], [0, 0, 0], 7, None])
async def test_a_reply_that_does_not_fit_fails_all_handshakes(reply: Any) -> None:
    calls = HandshakeCalls(cast(RedisFunctions, Store(reply)), per_user=10, per_address=10)
    async with asyncio.timeout(5):
        outcomes = await asyncio.gather(calls.admit([WINDOW]), calls.admit([WINDOW]), return_exceptions=True)
    assert all(isinstance(outcome, Exception) for outcome in outcomes)
