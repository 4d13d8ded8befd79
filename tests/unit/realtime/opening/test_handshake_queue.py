"""Turns of handshakes."""

import asyncio

import pytest

from cloudchat.realtime.opening import handshake_queue
from cloudchat.realtime.opening.handshake import HandshakeRejection
from cloudchat.realtime.opening.handshake_queue import HandshakeQueue

pytestmark = pytest.mark.anyio


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Crowd:
    """Handshakes that keep their turn until `finish` is set."""

    def __init__(self, queue: HandshakeQueue) -> None:
        self.queue = queue
        self.running: list[int] = []
        self.finish = asyncio.Event()

    async def handshake(self, number: int) -> None:
        async with self.queue:
            self.running.append(number)
            await self.finish.wait()


async def test_handshakes_take_turns_in_order_and_those_beyond_the_queue_are_rejected() -> None:
    crowd = Crowd(HandshakeQueue(concurrent=2, waiting=3))
    tasks = [asyncio.create_task(crowd.handshake(number)) for number in range(5)]
    await settle()
    assert crowd.running == [0, 1]
    with pytest.raises(HandshakeRejection) as rejected:
        await crowd.handshake(9)
    assert rejected.value.error.status == 503
    assert rejected.value.error.headers["Retry-After"] == "5"
    crowd.finish.set()
    await asyncio.gather(*tasks)
    assert crowd.running == [0, 1, 2, 3, 4]


async def test_cancelled_and_failed_handshakes_free_their_places() -> None:
    queue = HandshakeQueue(concurrent=1, waiting=1)
    crowd = Crowd(queue)
    first, second = (asyncio.create_task(crowd.handshake(number)) for number in (1, 2))
    await settle()
    for task in (second, first):
        task.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    with pytest.raises(LookupError):
        async with queue:
            raise LookupError
    async with queue:
        pass


async def test_wait_for_a_turn_is_bounded_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake_queue, "MAX_WAIT_SECONDS", 0.01)
    crowd = Crowd(HandshakeQueue(concurrent=1))
    first = asyncio.create_task(crowd.handshake(1))
    await settle()
    with pytest.raises(HandshakeRejection):
        await crowd.handshake(2)
    crowd.finish.set()
    await first
