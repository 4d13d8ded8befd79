import asyncio
from pathlib import Path

import pytest

from cloudchat.broker.append_pipeline import AppendPipeline
from cloudchat.broker.broker import Appended, AppendOutcome, BrokerUnavailable, Refusal, Refused
from cloudchat.broker.redis_connection import pack
from unit.broker.scripted_store import ScriptedStore

pytestmark = pytest.mark.anyio

APPEND = pack("FCALL", "cloudchat_append_v4", 0)
PONG = b"+PONG\r\n"
FUNCTIONS_LOADED = b"+cloudchat_v4\r\n"
ENQUEUED = b":0\r\n"
"""The answer to the call that precedes the first append of a second."""


def appended(seq: int, *, duplicate: bool = False) -> bytes:
    """Return the store's answer to an append."""
    return b"*3\r\n$2\r\ne1\r\n$3\r\n%d t\r\n:%d\r\n" % (seq, duplicate)


async def do_nothing() -> None: ...


def pipeline_to(store: ScriptedStore) -> AppendPipeline:
    return AppendPipeline(store.url, before_first_append=do_nothing, appends_settled=lambda: None)


async def append(pipeline: AppendPipeline) -> AppendOutcome:
    outcome: asyncio.Future[AppendOutcome] = asyncio.get_running_loop().create_future()
    pipeline.submit("lobby", lambda: APPEND, outcome.set_result)
    return await asyncio.wait_for(outcome, 20)


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "store.sock"


async def test_an_append_fails_when_the_store_is_silent_while_functions_are_loaded(socket: Path) -> None:
    store = ScriptedStore(socket, PONG)
    await store.start()
    pipeline = pipeline_to(store)
    assert isinstance(await append(pipeline), BrokerUnavailable)
    await asyncio.wait_for(store.closed.acquire(), 10)
    await pipeline.close()


async def test_the_connection_is_closed_when_the_store_refuses_the_functions(socket: Path) -> None:
    store = ScriptedStore(socket, PONG, b"-OOM command not allowed when used memory > 'maxmemory'\r\n")
    await store.start()
    pipeline = pipeline_to(store)
    for _ in range(3):
        assert isinstance(await append(pipeline), BrokerUnavailable)
        await asyncio.wait_for(store.closed.acquire(), 10)
    assert store.connections == 3
    await pipeline.close()


async def test_answers_are_matched_in_the_order_of_the_appends(socket: Path) -> None:
    store = ScriptedStore(socket, PONG, FUNCTIONS_LOADED, ENQUEUED + appended(1) + appended(2) + appended(3))
    await store.start()
    pipeline = pipeline_to(store)
    outcomes = await asyncio.gather(*(append(pipeline) for _ in range(3)))
    assert [outcome.seq for outcome in outcomes if isinstance(outcome, Appended)] == [1, 2, 3]
    await pipeline.close()


async def test_appends_settled_is_called_once_all_appends_are_answered(socket: Path) -> None:
    store = ScriptedStore(socket, PONG, FUNCTIONS_LOADED, ENQUEUED + appended(1) + appended(2) + appended(3))
    await store.start()
    settled = 0

    def count() -> None:
        nonlocal settled
        settled += 1

    pipeline = AppendPipeline(store.url, before_first_append=do_nothing, appends_settled=count)
    assert not pipeline.pending
    appends = [asyncio.create_task(append(pipeline)) for _ in range(3)]
    await asyncio.sleep(0)
    assert pipeline.pending
    await asyncio.gather(*appends)
    assert (pipeline.pending, settled) == (False, 1)
    await pipeline.close()


async def test_a_refusal_is_reported_with_its_detail(socket: Path) -> None:
    refused = b"*3\r\n$2\r\ne1\r\n$3\r\n250\r\n:3\r\n"
    store = ScriptedStore(socket, PONG, FUNCTIONS_LOADED, ENQUEUED + refused)
    await store.start()
    pipeline = pipeline_to(store)
    assert await append(pipeline) == Refused(Refusal.SLOW_MODE, 250)
    await pipeline.close()


async def test_an_error_reply_fails_only_its_own_append(socket: Path) -> None:
    answers = ENQUEUED + appended(1) + b"-MISCONF disk\r\n" + appended(2, duplicate=True)
    store = ScriptedStore(socket, PONG, FUNCTIONS_LOADED, answers)
    await store.start()
    pipeline = pipeline_to(store)
    first, second, third = await asyncio.gather(*(append(pipeline) for _ in range(3)))
    assert first == Appended(1, "e1", "t", duplicate=False)
    assert isinstance(second, BrokerUnavailable)
    assert third == Appended(2, "e1", "t", duplicate=True)
    await pipeline.close()


async def test_rooms_are_enqueued_again_after_the_store_has_refused_it(socket: Path) -> None:
    refused = b"-OOM command not allowed when used memory > 'maxmemory'\r\n"
    store = ScriptedStore(socket, PONG, FUNCTIONS_LOADED, refused + appended(1), ENQUEUED + appended(2), appended(3))
    await store.start()
    pipeline = pipeline_to(store)
    outcomes = [await append(pipeline) for _ in range(3)]
    assert outcomes == [Appended(seq, "e1", "t", duplicate=False) for seq in (1, 2, 3)]
    await pipeline.close()
