import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from cloudchat.broker.append_calls import AppendCalls, AppendReply, PendingAppend
from cloudchat.broker.append_pipeline import MAX_APPENDS_PER_CALL, AppendPipeline
from cloudchat.broker.appends import Appended, AppendOutcome, Change, Entry, Refusal, Refused
from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.broker.numbering.high_water_marks import HighWaterMarks
from unit.broker.scripted_store import ScriptedStore

pytestmark = pytest.mark.anyio

ENTRY = Entry("lobby", "ada", "c1", "message", b'"text":"hi"}', "t")
PONG = b"+PONG\r\n"
FUNCTIONS_LOADED = b"+cloudchat_v5\r\n"
ENQUEUED = b":0\r\n"
"""The answer to the call that precedes the first append of a second."""


def answer(*replies: bytes) -> bytes:
    """Return the store's answer to a call with as many appends."""
    return b"*%d\r\n:0\r\n" % (1 + len(replies)) + b"".join(replies)


def appended(seq: int) -> bytes:
    """Return the reply to one append."""
    return b"*3\r\n$2\r\ne1\r\n:%d\r\n:0\r\n" % seq


def duplicate(seq: int) -> bytes:
    """Return the reply to an append that was made earlier."""
    return b"*4\r\n$2\r\ne1\r\n:%d\r\n:1\r\n$7\r\nearlier\r\n" % seq


async def do_nothing() -> None: ...


def pass_on(appends: Sequence[PendingAppend], reply: AppendReply) -> None:
    for append, outcome in zip(appends, reply.outcomes, strict=True):
        append.on_done(outcome)


def pipeline_to(store: ScriptedStore, appends_settled: Callable[[], None] = lambda: None) -> AppendPipeline:
    calls = AppendCalls(HighWaterMarks(), 1000, "own")
    return AppendPipeline(
        store.url, calls, on_reply=pass_on, before_first_append=do_nothing, appends_settled=appends_settled
    )


async def append(pipeline: AppendPipeline, change: Change | None = None) -> AppendOutcome:
    outcome: asyncio.Future[AppendOutcome] = asyncio.get_running_loop().create_future()
    pipeline.submit(PendingAppend(ENTRY, outcome.set_result, change))
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
    store = ScriptedStore(socket, PONG, FUNCTIONS_LOADED, ENQUEUED + answer(appended(1), appended(2), appended(3)))
    await store.start()
    pipeline = pipeline_to(store)
    outcomes = await asyncio.gather(*(append(pipeline) for _ in range(3)))
    assert [outcome.seq for outcome in outcomes if isinstance(outcome, Appended)] == [1, 2, 3]
    await pipeline.close()


async def test_appends_settled_is_called_once_all_appends_are_answered(socket: Path) -> None:
    store = ScriptedStore(socket, PONG, FUNCTIONS_LOADED, ENQUEUED + answer(appended(1), appended(2), appended(3)))
    await store.start()
    settled = 0

    def count() -> None:
        nonlocal settled
        settled += 1

    pipeline = pipeline_to(store, count)
    assert not pipeline.pending
    appends = [asyncio.create_task(append(pipeline)) for _ in range(3)]
    await asyncio.sleep(0)
    assert pipeline.pending
    await asyncio.gather(*appends)
    assert (pipeline.pending, settled) == (False, 1)
    await pipeline.close()


async def test_a_refusal_is_reported_with_its_detail(socket: Path) -> None:
    refused = b"*3\r\n$2\r\ne1\r\n:250\r\n:3\r\n"
    store = ScriptedStore(socket, PONG, FUNCTIONS_LOADED, ENQUEUED + answer(refused))
    await store.start()
    pipeline = pipeline_to(store)
    assert await append(pipeline) == Refused(Refusal.SLOW_MODE, 250)
    await pipeline.close()


async def test_an_append_that_fails_in_the_store_fails_alone(socket: Path) -> None:
    failed = b"*3\r\n$0\r\n\r\n$9\r\nWRONGTYPE\r\n:10\r\n"
    answers = ENQUEUED + answer(appended(1), failed, duplicate(2))
    store = ScriptedStore(socket, PONG, FUNCTIONS_LOADED, answers)
    await store.start()
    pipeline = pipeline_to(store)
    first, second, third = await asyncio.gather(*(append(pipeline) for _ in range(3)))
    assert first == Appended(1, "e1", "t", duplicate=False)
    assert isinstance(second, BrokerUnavailable)
    assert third == Appended(2, "e1", "earlier", duplicate=True)
    await pipeline.close()


async def test_an_error_reply_fails_the_appends_of_its_call(socket: Path) -> None:
    change = Change(ENTRY, target=1)
    answers = ENQUEUED + b"-MISCONF disk\r\n" + answer(appended(1)) + answer(appended(2))
    store = ScriptedStore(socket, PONG, FUNCTIONS_LOADED, answers)
    await store.start()
    pipeline = pipeline_to(store)
    outcomes = await asyncio.gather(append(pipeline), append(pipeline), append(pipeline, change), append(pipeline))
    assert all(isinstance(outcome, BrokerUnavailable) for outcome in outcomes[:2])
    assert list(outcomes[2:]) == [Appended(seq, "e1", "t", duplicate=False) for seq in (1, 2)]
    await pipeline.close()


async def test_a_long_tick_is_sent_in_several_calls(socket: Path) -> None:
    seqs = range(1, MAX_APPENDS_PER_CALL + 2)
    answers = answer(*map(appended, seqs[:-1])) + answer(appended(seqs[-1]))
    store = ScriptedStore(socket, PONG, FUNCTIONS_LOADED, ENQUEUED + answers)
    await store.start()
    pipeline = pipeline_to(store)
    outcomes = await asyncio.gather(*(append(pipeline) for _ in seqs))
    assert outcomes == [Appended(seq, "e1", "t", duplicate=False) for seq in seqs]
    await pipeline.close()


async def test_rooms_are_enqueued_again_after_the_store_has_refused_it(socket: Path) -> None:
    refused = b"-OOM command not allowed when used memory > 'maxmemory'\r\n"
    store = ScriptedStore(
        socket,
        PONG,
        FUNCTIONS_LOADED,
        refused + answer(appended(1)),
        ENQUEUED + answer(appended(2)),
        answer(appended(3)),
    )
    await store.start()
    pipeline = pipeline_to(store)
    outcomes = [await append(pipeline) for _ in range(3)]
    assert outcomes == [Appended(seq, "e1", "t", duplicate=False) for seq in (1, 2, 3)]
    await pipeline.close()
