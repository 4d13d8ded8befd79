"""Sessions in memory: how long, for whom, and that a revoked one is not used."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cloudchat.auth.errors import AccountError, BadToken
from cloudchat.auth.principal import CHAT_READ, Principal
from cloudchat.auth.sessions.revocations import Revocations
from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.realtime.connection_registry import ConnectionRegistry
from cloudchat.realtime.opening import session_directory
from cloudchat.realtime.opening.session_directory import (
    MAX_AGE_SECONDS,
    MAX_BATCH,
    ChatSession,
    SessionCache,
    SessionDirectory,
)
from cloudchat.realtime.revocation_sweep import OVERLAP_SECONDS, RevocationSweep

pytestmark = pytest.mark.anyio

NOW = 1_800_000_000.0
ANN = Principal("ann", "ann", "member", frozenset({CHAT_READ}), "s1", 4e9, "access", key_id="k")


def session_of(principal: Principal = ANN) -> ChatSession:
    return ChatSession(principal, {})


class NoSockets:
    """The registry of a process without sockets."""

    def all(self) -> list[object]:
        return []


class World:
    """A database whose tokens are valid, except for `bad…` and those of revoked sessions."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.revocation_reads = 0
        self.revoked: set[str] = set()
        self.unavailable = False
        self.commit = object()
        self.sweep = RevocationSweep(self.revocations_since, cast(ConnectionRegistry, NoSockets()), lambda: self.commit)
        self.directory = SessionDirectory(self.read, self.sweep)

    async def read(self, tokens: Sequence[str]) -> Mapping[str, ChatSession | AccountError]:
        self.batches.append(list(tokens))
        await asyncio.sleep(0)
        if self.unavailable:
            raise DatabaseUnavailable
        bad = {token for token in tokens if token.startswith("bad") or token in self.revoked}
        return {
            token: BadToken("no") if token in bad else session_of(replace(ANN, user_id=token, session_id=token))
            for token in tokens
        }

    async def revocations_since(self, since: float) -> Revocations:
        self.revocation_reads += 1
        if self.unavailable:
            raise DatabaseUnavailable
        return Revocations(frozenset(self.revoked), frozenset(), {}, frozenset({"k"}))

    def revoke(self, token: str) -> None:
        self.revoked.add(token)
        self.commit = object()


@pytest.fixture
def world() -> World:
    return World()


@given(age=st.floats(-100, 2 * MAX_AGE_SECONDS), lifetime=st.floats(-1, 2 * MAX_AGE_SECONDS))
def test_session_is_in_memory_until_its_age_or_the_expiry_of_its_token(age: float, lifetime: float) -> None:
    cache, now = SessionCache(), NOW + age
    session = session_of(replace(ANN, expires_at=NOW + lifetime))
    cache.add("token", session, NOW)
    usable = NOW <= now < NOW + lifetime and now - NOW < MAX_AGE_SECONDS
    assert cache.get("token", now) is (session if usable else None)


def test_revocations_are_read_further_back_than_sessions_are_kept() -> None:
    """Clocks of two machines may differ by minutes."""
    assert MAX_AGE_SECONDS + 600 < OVERLAP_SECONDS


def test_session_without_the_right_to_open_sockets_is_not_kept() -> None:
    """A user with a one-time password gets the right in the moment when they change it."""
    cache = SessionCache()
    cache.add("token", session_of(replace(ANN, scopes=frozenset())), NOW)
    assert cache.get("token", NOW) is None


def test_memory_is_bounded_in_number_and_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_directory, "MAX_SESSIONS", 3)
    cache = SessionCache()
    for number in range(5):
        cache.add(f"token {number}", session_of(), NOW)
    assert len(cache) == 3
    assert cache.get("token 1", NOW) is None
    assert cache.get("token 2", NOW) is not None
    assert cache.get("another", NOW + MAX_AGE_SECONDS) is None
    assert len(cache) == 0


def test_user_who_has_read_on_is_read_again() -> None:
    cache = SessionCache()
    cache.add("token", session_of(), NOW)
    cache.forget_user("ann", NOW + 1)
    assert cache.get("token", NOW + 1) is None
    cache.add("token", session_of(), NOW + 1)  # its read began before the change was known
    assert cache.get("token", NOW + 2) is None
    cache.add("token", session_of(), NOW + 2)
    assert cache.get("token", NOW + 2) is not None


async def test_handshakes_that_wait_share_a_read(world: World) -> None:
    first = asyncio.create_task(world.directory.find("0"))
    while not world.batches:  # noqa: ASYNC110 (the directory has no event for it)
        await asyncio.sleep(0)
    others = [asyncio.create_task(world.directory.find(str(number % 20))) for number in range(1, 40)]
    sessions = [await task for task in (first, *others)]
    assert [session.principal.user_id for session in sessions] == [str(number % 20) for number in range(40)]
    assert [len(batch) for batch in world.batches] == [1, 19]


async def test_read_waits_for_announced_handshakes(world: World) -> None:
    async def announced(token: str, turns: int) -> ChatSession:
        with world.directory.announced():
            for _ in range(turns):
                await asyncio.sleep(0)
        return await world.directory.find(token)

    await asyncio.gather(*(announced(str(turns), turns) for turns in range(10)))
    assert [len(batch) for batch in world.batches] == [10]


async def test_read_waits_while_each_tick_brings_a_handshake(world: World) -> None:
    tasks = []
    for number in range(10):
        tasks.append(asyncio.create_task(world.directory.find(str(number))))
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert [len(batch) for batch in world.batches] == [10]


async def test_read_does_not_wait_when_handshakes_come_one_after_the_other(world: World) -> None:
    await world.directory.find("ann")
    next_one = asyncio.create_task(world.directory.find("bob"))
    for _ in range(2):  # its task, and that of the read
        await asyncio.sleep(0)
    assert world.batches == [["ann"], ["bob"]]
    await next_one
    await asyncio.gather(*(world.directory.find(str(number)) for number in range(10)))
    assert [len(batch) for batch in world.batches] == [1, 1, 10]


async def test_read_does_not_wait_for_long(world: World) -> None:
    with world.directory.announced():
        await world.directory.find("ann")
    assert world.batches == [["ann"]]


async def test_one_read_is_bounded(world: World) -> None:
    await asyncio.gather(*(world.directory.find(str(number)) for number in range(MAX_BATCH + 1)))
    assert [len(batch) for batch in world.batches] == [MAX_BATCH, 1]


async def test_bad_token_does_not_affect_the_others_and_is_not_kept(world: World) -> None:
    outcomes = await asyncio.gather(*(world.directory.find(token) for token in ("good", "bad")), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ChatSession, BadToken]
    with pytest.raises(BadToken):
        await world.directory.find("bad")
    assert world.batches == [["good", "bad"], ["bad"]]


async def test_known_session_is_found_without_its_rows_but_not_without_the_database(world: World) -> None:
    await world.directory.find("ann")
    assert await world.directory.find("ann") is world.directory.cached("ann")
    assert (world.batches, world.revocation_reads) == ([["ann"]], 1)
    world.unavailable, world.commit = True, object()
    with pytest.raises(DatabaseUnavailable):
        await world.directory.find("ann")


async def test_revoked_session_is_not_used(world: World) -> None:
    await world.directory.find("ann")
    world.revoke("ann")
    with pytest.raises(BadToken):
        await world.directory.find("ann")
    assert world.directory.cached("ann") is None


async def test_session_is_read_again_after_a_failure_of_the_database(world: World) -> None:
    world.unavailable = True
    with pytest.raises(DatabaseUnavailable):
        await world.directory.find("ann")
    world.unavailable = False
    assert (await world.directory.find("ann")).principal.user_id == "ann"


async def test_handshake_that_is_cancelled_does_not_cancel_the_read_of_the_others(world: World) -> None:
    tasks = [asyncio.create_task(world.directory.find("ann")) for _ in range(2)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    assert (await tasks[1]).principal.user_id == "ann"
