"""The subscription against a store that refuses it."""

import asyncio
from pathlib import Path

import pytest

from cloudchat.broker.subscription import Subscription
from unit.broker.test_append_pipeline import ScriptedStore

pytestmark = pytest.mark.anyio


class Deaf:
    def subscribed(self, room: str) -> None: ...

    def event_received(self, room: str, epoch: str, seq: int, event: bytes) -> None: ...


async def test_a_store_that_refuses_is_not_asked_hundreds_of_times_a_second(tmp_path: Path) -> None:
    """A user without the right to its channels: 696 connections a second, and as many lines in the log."""
    store = ScriptedStore(tmp_path / "store.sock", b"+PONG\r\n", b"-NOPERM no permissions to access a channel\r\n")
    await store.start()
    subscription = Subscription(store.url)
    subscription.add("lobby")
    running = asyncio.create_task(subscription.run(Deaf()))
    await asyncio.wait_for(store.closed.acquire(), 10)
    await asyncio.wait({running}, timeout=0.3)
    assert store.opened == 1
    running.cancel()
