import asyncio
from pathlib import Path

import pytest

from cloudchat.broker.subscription import Subscription
from unit.broker.scripted_store import ScriptedStore

pytestmark = pytest.mark.anyio


class IgnoringListener:
    def subscribed(self, room: str) -> None: ...

    def event_received(self, room: str, epoch: str, seq: int, event: bytes) -> None: ...


async def test_a_refused_subscription_is_retried_after_a_pause(tmp_path: Path) -> None:
    """A user without permission for the channels caused 696 connections a second, and as many log lines."""
    store = ScriptedStore(tmp_path / "store.sock", b"+PONG\r\n", b"-NOPERM no permissions to access a channel\r\n")
    await store.start()
    subscription = Subscription(store.url, "own")
    subscription.add("lobby")
    running = asyncio.create_task(subscription.run(IgnoringListener(), lambda _: None))
    await asyncio.wait_for(store.closed.acquire(), 10)
    await asyncio.wait({running}, timeout=0.3)
    assert store.connections == 1
    running.cancel()
