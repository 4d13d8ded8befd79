"""Calls over one connection, with a scripted store."""

import asyncio
from pathlib import Path

import pytest

from cloudchat.broker.broker import BrokerUnavailable
from cloudchat.broker.call_pipeline import CallPipeline
from cloudchat.broker.redis_functions import RedisFunctions
from unit.broker.scripted_store import ScriptedStore

pytestmark = pytest.mark.anyio

PONG = b"+PONG\r\n"


async def pipeline_on(tmp_path: Path, *answers: bytes) -> tuple[CallPipeline, ScriptedStore]:
    store = ScriptedStore(tmp_path / "store.sock", PONG, *answers)
    await store.start()
    return CallPipeline(store.url, RedisFunctions(store.url, libraries=[])), store


async def test_calls_of_one_tick_are_one_write_and_get_their_own_replies(tmp_path: Path) -> None:
    """The store answers what one read brings."""
    pipeline, store = await pipeline_on(tmp_path, b":1\r\n:2\r\n:3\r\n")
    calls = [asyncio.ensure_future(pipeline.call(name, ["key"])) for name in ("a", "b", "c")]
    assert await asyncio.gather(*calls) == [1, 2, 3]
    assert store.connections == 1
    await pipeline.close()


async def test_refused_call_fails_alone(tmp_path: Path) -> None:
    pipeline, _ = await pipeline_on(tmp_path, b"-NOPERM no permissions\r\n:2\r\n")
    refused, answered = (asyncio.ensure_future(pipeline.call(name, ["key"])) for name in "ab")
    assert await answered == 2
    with pytest.raises(BrokerUnavailable, match="NOPERM"):
        await refused
    await pipeline.close()


async def test_silent_store_fails_all_calls_and_is_connected_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloudchat.broker.call_pipeline.ANSWER_SECONDS", 0.05)
    pipeline, store = await pipeline_on(tmp_path)
    calls = [asyncio.ensure_future(pipeline.call("a", ["key"])) for _ in range(100)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(outcome, BrokerUnavailable) for outcome in outcomes)
    await asyncio.wait_for(store.closed.acquire(), 10)
    with pytest.raises(BrokerUnavailable):
        await pipeline.call("a", ["key"])
    assert store.connections == 2
    await pipeline.close()


async def test_store_that_is_not_there_fails_the_calls(tmp_path: Path) -> None:
    url = f"unix://{tmp_path}/nothing.sock"
    pipeline = CallPipeline(url, RedisFunctions(url, libraries=[]))
    with pytest.raises(BrokerUnavailable):
        await pipeline.call("a", ["key"])
    await pipeline.close()
    with pytest.raises(BrokerUnavailable):
        await pipeline.call("a", ["key"])
