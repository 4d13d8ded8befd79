"""Requests that hash wait for their turn, in order, a bounded time, and not too many."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from cloudchat.auth.errors import PasswordHashingOverloaded
from cloudchat.auth.passwords.turns import HashingTurns


class Request:
    """A request that holds its turn until it is told to end."""

    def __init__(self, turns: HashingTurns, admitted: list["Request"]) -> None:
        self._turns = turns
        self._admitted = admitted
        self._end = asyncio.Event()
        self.task = asyncio.create_task(self._run())

    async def end(self) -> None:
        self._end.set()
        await self.task

    async def _run(self) -> None:
        async with self._turns.turn():
            self._admitted.append(self)
            await self._end.wait()


async def settled() -> None:
    """Let all tasks run until they wait."""
    for _ in range(5):
        await asyncio.sleep(0)


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 30))


def test_requests_are_admitted_in_the_order_of_arrival() -> None:
    async def scenario() -> None:
        turns, admitted = HashingTurns(2), list[Request]()
        requests = [Request(turns, admitted) for _ in range(10)]
        await settled()
        assert admitted == requests[:2]
        for done, request in enumerate(requests, start=1):
            await request.end()
            await settled()
            assert admitted == requests[: done + 2]

    run(scenario())


def test_a_request_beyond_the_queue_is_refused_at_once() -> None:
    async def scenario() -> None:
        turns, admitted = HashingTurns(1, max_waiting=2), list[Request]()
        requests = [Request(turns, admitted) for _ in range(4)]
        await settled()
        with pytest.raises(PasswordHashingOverloaded):
            await requests[3].task
        for request in requests[:3]:
            await request.end()
        assert admitted == requests[:3]

    run(scenario())


def test_a_request_that_waited_too_long_is_refused() -> None:
    async def scenario() -> None:
        turns, admitted = HashingTurns(1, max_wait_seconds=0.01), list[Request]()
        first, second = Request(turns, admitted), Request(turns, admitted)
        with pytest.raises(PasswordHashingOverloaded) as refused:
            await second.task
        assert refused.value.retry_after_ms
        await first.end()
        third = Request(turns, admitted)
        await settled()
        assert admitted == [first, third]
        await third.end()

    run(scenario())


@pytest.mark.parametrize("waits", [True, False])
def test_a_cancelled_request_gives_its_turn_back(waits: bool) -> None:
    async def scenario() -> None:
        turns, admitted = HashingTurns(1), list[Request]()
        first, second, third = (Request(turns, admitted) for _ in range(3))
        await settled()
        (second if waits else first).task.cancel()
        if waits:
            await first.end()
        await settled()
        assert admitted == [first, third if waits else second]
        for request in (second, third):
            if not request.task.cancelled():
                await request.end()

    run(scenario())
