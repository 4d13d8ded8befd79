"""A connection without a network: what happens when the work for a command fails as nobody expected."""

import asyncio
import time

import pytest

from cloudchat.auth.principal import Principal
from cloudchat.process.supervision import Supervisor
from cloudchat.protocol.close_codes import CloseCode
from cloudchat.protocol.events import Limits
from cloudchat.rate_limiting.token_bucket import TokenBucket
from cloudchat.realtime.connection import Connection
from cloudchat.realtime.socket_session import SocketSession

pytestmark = pytest.mark.anyio


class FakeSocket:
    def __init__(self):
        self.closed = []
        self.on_close = lambda: None

    def push(self, frames, *, ephemeral=False):
        pass

    def close(self, code):
        self.closed.append(code)
        self.on_close()

    async def writable_again(self):
        pass


async def test_who_waits_for_a_reply_that_never_comes_is_sent_to_come_back():
    socket, supervisor, ended, done, tasks = FakeSocket(), Supervisor(), [], [], []
    user = Principal("u1", "ann", "member", frozenset(), "s1", time.time() + 600, "access")
    connection = Connection(
        socket,
        "c1",
        user,
        {},
        SocketSession(Limits(), TokenBucket(60, 6, 0), 0),
        dispatch=lambda connection, command: None,
        refused=lambda error: None,
        forget=lambda connection, feed: None,
        ended=ended.append,
        spawn=lambda work, name: tasks.append(supervisor.spawn(work, name)) or tasks[-1],
    )
    socket.on_close = connection.lost

    async def fail():
        raise LookupError("a bug")

    async def succeed():
        done.append(True)

    connection.enqueue("1", fail)
    connection.enqueue("2", succeed)
    await asyncio.wait(tasks)
    assert ended
    assert socket.closed == [CloseCode.INTERNAL_ERROR]
    assert not done
    assert supervisor.failures == 1
