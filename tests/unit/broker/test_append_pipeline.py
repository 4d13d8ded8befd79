"""The pipe against a store that is scripted at the level of the protocol: what a real one does only on bad days."""

import asyncio
from pathlib import Path

import pytest

from cloudchat.broker.append_pipeline import AppendPipeline, pack
from cloudchat.broker.broker import Appended, BrokerUnavailable

pytestmark = pytest.mark.anyio

APPEND = pack("FCALL", "cloudchat_append_v1", 0)


class ScriptedStore:
    """Answers the first commands of each connection with `answers`, and then nothing. Counts its connections."""

    def __init__(self, path: Path, *answers: bytes) -> None:
        self.url = f"unix://{path}"
        self._path = path
        self._answers = answers
        self.opened = 0
        self.closed = asyncio.Semaphore(0)

    async def start(self) -> None:
        await asyncio.start_unix_server(self._serve, self._path)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        for answer in self._answers:
            await reader.read(1 << 20)
            writer.write(answer)
        while await reader.read(1 << 20):
            pass
        writer.close()
        self.closed.release()


async def nothing() -> None:
    """There is nothing to prepare."""


async def outcome_of(pipe: AppendPipeline) -> Appended | BrokerUnavailable:
    answer: asyncio.Future[Appended | BrokerUnavailable] = asyncio.get_running_loop().create_future()
    pipe.submit(lambda: APPEND, answer.set_result)
    return await asyncio.wait_for(answer, 20)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sock"


async def test_a_store_that_stops_while_the_functions_are_loaded_is_given_up(path: Path) -> None:
    store = ScriptedStore(path, b"+PONG\r\n")
    await store.start()
    pipe = AppendPipeline(store.url, lambda: None, nothing)
    assert isinstance(await outcome_of(pipe), BrokerUnavailable)
    await asyncio.wait_for(store.closed.acquire(), 10)
    await pipe.close()


async def test_a_store_that_refuses_the_functions_keeps_no_connection_of_ours(path: Path) -> None:
    store = ScriptedStore(path, b"+PONG\r\n", b"-OOM command not allowed when used memory > 'maxmemory'\r\n")
    await store.start()
    pipe = AppendPipeline(store.url, lambda: None, nothing)
    for _ in range(3):
        assert isinstance(await outcome_of(pipe), BrokerUnavailable)
        await asyncio.wait_for(store.closed.acquire(), 10)
    assert store.opened == 3
    await pipe.close()


async def test_appends_of_one_tick_are_answered_in_their_order(path: Path) -> None:
    answers = b"".join(b"*3\r\n$2\r\ne1\r\n$3\r\n%d t\r\n:0\r\n" % seq for seq in (1, 2, 3))
    store = ScriptedStore(path, b"+PONG\r\n", b"+cloudchat_v1\r\n", answers)
    await store.start()
    pipe = AppendPipeline(store.url, lambda: None, nothing)
    outcomes = await asyncio.gather(*(outcome_of(pipe) for _ in range(3)))
    assert [outcome.seq for outcome in outcomes if isinstance(outcome, Appended)] == [1, 2, 3]
    await pipe.close()


async def test_a_refusal_is_the_answer_to_its_own_append(path: Path) -> None:
    answers = b"*3\r\n$2\r\ne1\r\n$3\r\n1 t\r\n:0\r\n" + b"-MISCONF disk\r\n" + b"*3\r\n$2\r\ne1\r\n$3\r\n2 t\r\n:1\r\n"
    store = ScriptedStore(path, b"+PONG\r\n", b"+cloudchat_v1\r\n", answers)
    await store.start()
    pipe = AppendPipeline(store.url, lambda: None, nothing)
    first, second, third = await asyncio.gather(*(outcome_of(pipe) for _ in range(3)))
    assert first == Appended(1, "e1", "t", duplicate=False)
    assert isinstance(second, BrokerUnavailable)
    assert third == Appended(2, "e1", "t", duplicate=True)
    await pipe.close()
