"""The sweep beside a database that is away for a while; what it closes is in test_roster.py."""

import asyncio
from types import SimpleNamespace

import pytest

from cloudchat.auth.sessions.revocations import Revocations
from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.protocol.close_codes import CloseCode
from cloudchat.realtime import revocation_sweep
from cloudchat.realtime.revocation_sweep import BLIND_SECONDS, OVERLAP_SECONDS, sweep

pytestmark = pytest.mark.anyio


class World:
    """A clock, a database and one administrator's socket."""

    def __init__(self):
        self.now = 10_000.0
        self.away = False
        self.asked_since = []
        self.closed = []
        self.asked = asyncio.Event()
        principal = SimpleNamespace(user_id="u", session_id="s", scopes={"admin"}, access_changed_at=None, key_id="k")
        self.connection = SimpleNamespace(principal=principal, socket=SimpleNamespace(close=self.closed.append))

    def all(self):
        return [self.connection]

    async def read(self, since):
        self.asked_since.append(since)
        self.asked.set()
        if self.away:
            raise DatabaseUnavailable
        return Revocations(frozenset(), frozenset(), {}, frozenset({"k"}))

    async def later(self, seconds):
        """Let the clock go on, and the sweep look again twice: then it has done what the first look was for."""
        self.now += seconds
        for _ in range(2):
            self.asked.clear()
            await self.asked.wait()


@pytest.fixture
async def world(monkeypatch):
    world = World()
    monkeypatch.setattr(revocation_sweep, "SWEEP_SECONDS", 0)
    monkeypatch.setattr(revocation_sweep, "time", SimpleNamespace(time=lambda: world.now, monotonic=lambda: world.now))
    task = asyncio.ensure_future(sweep(world.read, world))
    yield world
    task.cancel()


async def test_what_was_revoked_while_nothing_could_be_read_is_asked_for_afterwards(world):
    await world.later(100)
    last_read = world.now
    world.away = True
    await world.later(5 * OVERLAP_SECONDS)
    world.away = False
    await world.later(1)
    assert min(world.asked_since[-2:]) <= last_read - OVERLAP_SECONDS


async def test_administrators_do_not_stay_where_nobody_knows_whether_they_still_are_any(world):
    world.away = True
    await world.later(BLIND_SECONDS - 1)
    assert world.closed == []
    await world.later(2)
    assert set(world.closed) == {CloseCode.TOKEN_INVALID}
