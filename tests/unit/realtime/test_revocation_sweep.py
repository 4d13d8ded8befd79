"""The sweep while the database is unreachable for a time; test_connection_registry.py tests what it closes."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cloudchat.auth.sessions.revocations import Revocations
from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.protocol.close_codes import CloseCode
from cloudchat.realtime import revocation_sweep
from cloudchat.realtime.connection_registry import ConnectionRegistry
from cloudchat.realtime.revocation_sweep import MAX_BLIND_SECONDS, OVERLAP_SECONDS, sweep_revocations

pytestmark = pytest.mark.anyio


class World:
    """A clock, a database and a registry with one administrator's socket."""

    def __init__(self) -> None:
        self.now = 10_000.0
        self.unavailable = False
        self.reads: list[float] = []
        self.closes: list[CloseCode] = []
        self.read_started = asyncio.Event()
        principal = SimpleNamespace(user_id="u", session_id="s", scopes={"admin"}, access_changed_at=None, key_id="k")
        self.connection = SimpleNamespace(principal=principal, socket=SimpleNamespace(close=self.closes.append))

    def all(self) -> list[Any]:
        return [self.connection]

    async def read(self, since: float) -> Revocations:
        self.reads.append(since)
        self.read_started.set()
        if self.unavailable:
            raise DatabaseUnavailable
        return Revocations(frozenset(), frozenset(), {}, frozenset({"k"}))

    async def advance(self, seconds: float) -> None:
        """Advance the clock, and wait for two reads: by then the sweep has processed the first one."""
        self.now += seconds
        for _ in range(2):
            self.read_started.clear()
            await self.read_started.wait()


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    world = World()
    monkeypatch.setattr(revocation_sweep, "SWEEP_INTERVAL_SECONDS", 0)
    monkeypatch.setattr(revocation_sweep, "time", SimpleNamespace(time=lambda: world.now, monotonic=lambda: world.now))
    task = asyncio.ensure_future(sweep_revocations(world.read, cast(ConnectionRegistry, world)))
    yield world
    task.cancel()


async def test_revocations_during_an_outage_are_read_after_it(world: World) -> None:
    await world.advance(100)
    last_read = world.now
    world.unavailable = True
    await world.advance(5 * OVERLAP_SECONDS)
    world.unavailable = False
    await world.advance(1)
    assert min(world.reads[-2:]) <= last_read - OVERLAP_SECONDS


async def test_administrators_are_closed_when_revocations_cannot_be_read_for_long(world: World) -> None:
    world.unavailable = True
    await world.advance(MAX_BLIND_SECONDS - 1)
    assert world.closes == []
    await world.advance(2)
    assert set(world.closes) == {CloseCode.TOKEN_INVALID}
