"""The log of an imported room begins behind what its archive has."""

import pytest

from cloudchat.broker.new_log import begin_log
from cloudchat.core.stream_position import StreamPosition
from integration.broker.brokers import broker_on
from integration.broker.posting import Room, seq_of
from support.stores import RunningStore

pytestmark = pytest.mark.anyio


async def test_log_begins_behind_the_archive(store: RunningStore) -> None:
    async with broker_on(store) as broker:
        room = Room(broker)
        begin_log(store.url, room.id, "imported", 41)
        assert await broker.heads([room.id]) == [StreamPosition("imported", 41)]
        assert seq_of(await room.send("first")) == 42
        begin_log(store.url, room.id, "imported", 41)
        assert [event["seq"] for event in await room.events()] == [42]


async def test_log_that_a_starting_server_has_looked_for_begins_there_too(store: RunningStore) -> None:
    async with broker_on(store) as broker:
        room = Room(broker)
        await broker.heads([room.id])  # of a half imported room: there is an empty log from now on
        begin_log(store.url, room.id, "imported", 41)
        assert seq_of(await room.send("first")) == 42
