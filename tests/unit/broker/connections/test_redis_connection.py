"""How requests are sent to the store, and that each gets its own reply."""

import asyncio

import pytest

from cloudchat.broker.connections.redis_connection import RedisConnection, pack

pytestmark = pytest.mark.anyio


class RecordingTransport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))


def connected() -> tuple[RedisConnection, RecordingTransport]:
    connection, transport = RedisConnection(lambda reply: None, lambda: None), RecordingTransport()
    connection.connection_made(transport)
    return connection, transport


async def test_requests_of_one_tick_are_one_write_and_get_their_own_replies() -> None:
    connection, transport = connected()
    replies = [connection.submit(pack("GET", name)) for name in "ab"]
    await asyncio.sleep(0)
    assert transport.writes == [pack("GET", "a") + pack("GET", "b")]
    last = connection.submit(pack("GET", "c"))
    await asyncio.sleep(0)
    assert transport.writes[1:] == [pack("GET", "c")]
    connection.data_received(b":1\r\n:2\r\n:3\r\n")
    assert [await reply for reply in (*replies, last)] == [1, 2, 3]


async def test_request_that_is_unsent_fails_with_the_connection() -> None:
    connection, transport = connected()
    reply = connection.submit(pack("GET", "a"))
    connection.connection_lost(None)
    await asyncio.sleep(0)
    assert transport.writes == []
    with pytest.raises(ConnectionError):
        await reply
