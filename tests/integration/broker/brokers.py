"""A `RedisBroker` of one process, on a running store."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cloudchat.broker.functions import FUNCTIONS
from cloudchat.broker.high_water_marks import Mark
from cloudchat.broker.redis_broker import RedisBroker
from cloudchat.broker.redis_functions import RedisFunctions
from support.stores import RunningStore


class RecordingListener:
    """Collects what a subscription receives."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[tuple[str, int, bytes]] = asyncio.Queue()
        self.confirmed = asyncio.Event()

    def subscribed(self, room: str) -> None:
        self.confirmed.set()

    def event_received(self, room: str, epoch: str, seq: int, event: bytes) -> None:
        self.events.put_nowait((epoch, seq, event))


@asynccontextmanager
async def broker_on(
    store: RunningStore,
    *,
    history_messages: int = 1000,
    listener: RecordingListener | None = None,
    saved_marks: dict[str, Mark] | None = None,
) -> AsyncIterator[RedisBroker]:
    async def load_marks() -> dict[str, Mark]:
        return saved_marks or {}

    functions = RedisFunctions(store.url, libraries=[FUNCTIONS])
    broker = RedisBroker(store.url, functions, history_messages=history_messages, load_marks=load_marks)
    running = asyncio.create_task(broker.run(listener or RecordingListener(), lambda _: None))
    try:
        yield broker
    finally:
        running.cancel()
        await asyncio.wait([running])
        await broker.close()
        await functions.close()
