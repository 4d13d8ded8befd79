"""The sweep while the database is unreachable for a time; test_connection_registry.py tests what it closes."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cloudchat.auth.principal import Principal
from cloudchat.auth.sessions.revocations import Revocations
from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.protocol.close_codes import CloseCode
from cloudchat.realtime import revocation_sweep
from cloudchat.realtime.connection_registry import ConnectionRegistry
from cloudchat.realtime.revocation_sweep import MAX_BLIND_SECONDS, OVERLAP_SECONDS, RECENT_SECONDS, RevocationSweep

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
        self.revoked: frozenset[str] = frozenset()
        self.commit = object()
        self.commit_at_each_read = False
        self.sweep = RevocationSweep(self.read, cast(ConnectionRegistry, self), lambda: self.commit)
        self.connection = SimpleNamespace(principal=principal, socket=SimpleNamespace(close=self.closes.append))

    def all(self) -> list[Any]:
        return [self.connection]

    async def read(self, since: float) -> Revocations:
        self.reads.append(since)
        self.read_started.set()
        if self.commit_at_each_read:
            self.commit = object()
        if self.unavailable:
            raise DatabaseUnavailable
        return Revocations(self.revoked, frozenset(), {}, frozenset({"k"}))

    async def advance(self, seconds: float) -> None:
        """Advance the clock, and wait for two reads: by then the sweep has processed the first one."""
        self.now += seconds
        for _ in range(2):
            self.read_started.clear()
            await self.read_started.wait()


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    monkeypatch.setattr(revocation_sweep, "time", SimpleNamespace(time=lambda: world.now, monotonic=lambda: world.now))
    return world


@pytest.fixture
async def sweeping(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(revocation_sweep, "SWEEP_INTERVAL_SECONDS", 0)
    task = asyncio.ensure_future(world.sweep.run())
    yield world
    task.cancel()


async def test_revocations_during_an_outage_are_read_after_it(sweeping: World) -> None:
    await sweeping.advance(100)
    last_read = sweeping.now
    sweeping.unavailable = True
    await sweeping.advance(5 * OVERLAP_SECONDS)
    sweeping.unavailable = False
    await sweeping.advance(1)
    assert min(sweeping.reads[-2:]) <= last_read - OVERLAP_SECONDS


async def test_administrators_are_closed_when_revocations_cannot_be_read_for_long(sweeping: World) -> None:
    sweeping.unavailable = True
    await sweeping.advance(MAX_BLIND_SECONDS - 1)
    assert sweeping.closes == []
    await sweeping.advance(2)
    assert set(sweeping.closes) == {CloseCode.TOKEN_INVALID}


async def test_handshakes_share_a_read_while_it_is_recent(world: World) -> None:
    await asyncio.gather(world.sweep.refresh(), world.sweep.refresh())
    reads = len(world.reads)
    world.now += RECENT_SECONDS / 2
    await world.sweep.refresh()
    assert len(world.reads) == reads
    world.now += RECENT_SECONDS
    await world.sweep.refresh()
    assert len(world.reads) == reads + 1


async def test_handshake_after_a_commit_of_this_process_reads_again(world: World) -> None:
    await world.sweep.refresh()
    world.revoked, world.commit = frozenset({"s"}), object()
    assert not world.sweep.revokes(cast(Principal, world.connection.principal))
    await world.sweep.refresh()
    assert world.sweep.revokes(cast(Principal, world.connection.principal))
    assert world.closes == [CloseCode.TOKEN_INVALID]


async def test_handshake_is_told_that_revocations_cannot_be_read(world: World) -> None:
    world.unavailable = True
    with pytest.raises(DatabaseUnavailable):
        await world.sweep.refresh()


async def test_handshake_does_not_wait_for_a_pause_between_commits(world: World) -> None:
    world.commit_at_each_read = True
    async with asyncio.timeout(5):
        await world.sweep.refresh()
