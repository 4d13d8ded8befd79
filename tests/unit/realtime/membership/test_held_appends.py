"""Appends that are refused or prepared keep their order, whatever the store and the database do."""

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cloudchat.broker.appends import AppendCallback, Appended, AppendOutcome, Refusal, Refused
from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.protocol.errors import Error, ErrorCode, error
from cloudchat.realtime.membership.held_appends import (
    MAX_ATTEMPTS,
    MAX_HELD,
    MAX_PREPARATIONS,
    HeldAppends,
    LoggedAppend,
)

ROOM = "room"


class World:
    """A store that answers when it is told to, and a database that is asked for the room's version."""

    def __init__(self) -> None:
        self.store_version = 1
        self.known_version = 1
        self.unanswered: deque[tuple[int, int, AppendCallback]] = deque()
        self.log: list[int] = []
        self.done: dict[int, AppendOutcome | Error] = {}
        self.refreshes: deque[asyncio.Future[None]] = deque()
        self.preparations: deque[asyncio.Future[None]] = deque()
        self.tasks: set[asyncio.Task[None]] = set()
        self.versions: dict[str, int] = {}
        self.appends = HeldAppends(self.refresh, self.versions, self.spawn)
        self.sent = 0

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self.tasks.add(asyncio.ensure_future(work))

    async def refresh(self, room: str, version: int) -> None:
        done = asyncio.get_running_loop().create_future()
        self.refreshes.append(done)
        await done
        self.sweep()

    def sweep(self) -> None:
        """Bring the room up to date, as the comparison with SQL does in between, too."""
        self.known_version = self.versions[ROOM] = self.store_version

    def send(self, *, mentions: bool = False) -> int:
        number = self.sent = self.sent + 1

        self.appends.submit(WorldAppend(self, number, mentions=mentions))
        return number

    def answer(self) -> None:
        if self.unanswered:
            number, version, on_done = self.unanswered.popleft()
            if version < self.store_version:
                on_done(Refused(Refusal.STALE, self.store_version))
            else:
                self.log.append(number)
                on_done(Appended(len(self.log), "e", "", False))

    async def settle(self) -> None:
        """Let everything finish."""
        for _ in range(1000):
            await asyncio.sleep(0)
            if self.refreshes:
                self.refreshes.popleft().set_result(None)
            elif self.preparations:
                self.preparations.popleft().set_result(None)
            elif self.unanswered:
                self.answer()
            elif not any(not task.done() for task in self.tasks):
                return


class WorldAppend(LoggedAppend):
    """An append in a `World`. With `mentions`, the database must be read before it."""

    def __init__(self, world: World, number: int, *, mentions: bool) -> None:
        super().__init__(ROOM)
        self.world, self.number, self.mentions = world, number, mentions
        self.names_version: int | None = None
        """The version of the room at which the names in the text were looked up."""

    @property
    def is_prepared(self) -> bool:
        return not self.mentions or self.names_version == self.world.known_version

    def prepare(self) -> Coroutine[Any, Any, None] | None:
        return None if self.is_prepared else self._preparation()

    async def _preparation(self) -> None:
        done = asyncio.get_running_loop().create_future()
        self.world.preparations.append(done)
        await done
        self.names_version = self.world.known_version

    @property
    def room_version(self) -> int:
        return self.world.known_version

    def attempt(self, on_done: AppendCallback) -> None:
        assert self.is_prepared, "the mention would be lost"
        self.world.unanswered.append((self.number, self.world.known_version, on_done))

    def finish(self, outcome: AppendOutcome | Error) -> None:
        assert self.number not in self.world.done
        self.world.done[self.number] = outcome


@settings(deadline=None, max_examples=300)
@example(["send", "change", "sweep", "send"])
@given(st.lists(st.sampled_from(["send", "mention", "answer", "change", "sweep", "refresh", "prepare"]), max_size=40))
def test_appends_are_stored_once_and_in_order(steps: list[str]) -> None:
    async def run() -> None:
        world = World()
        changes = 0
        for step in steps:
            if step in ("send", "mention"):
                world.send(mentions=step == "mention")
            elif step == "answer":
                world.answer()
            elif step == "change" and changes < 3:  # fewer than the attempts of an append
                world.store_version += 1
                changes += 1
            elif step == "sweep":
                world.sweep()
            elif step == "refresh" and world.refreshes:
                world.refreshes.popleft().set_result(None)
            elif step == "prepare" and world.preparations:
                world.preparations.popleft().set_result(None)
            await asyncio.sleep(0)
        await world.settle()
        assert world.log == list(range(1, world.sent + 1))
        assert len(world.done) == world.sent

    asyncio.run(run())


@pytest.mark.anyio
async def test_without_the_database_refused_and_held_appends_fail() -> None:
    world = World()
    world.store_version = 2
    refused = world.send()
    world.answer()
    held = world.send()
    await asyncio.sleep(0)
    world.refreshes.popleft().set_exception(DatabaseUnavailable())
    await world.settle()
    assert isinstance(world.done[refused], BrokerUnavailable)
    assert isinstance(world.done[held], BrokerUnavailable)
    await world.settle()
    assert world.log == []
    world.sweep()
    later = world.send()
    await world.settle()
    assert world.log == [later]


@pytest.mark.anyio
async def test_a_room_that_changes_after_each_refresh_does_not_refuse_a_message_for_ever() -> None:
    world = World()
    sent = world.send()
    for _ in range(MAX_ATTEMPTS):
        assert sent not in world.done
        world.store_version += 1
        world.answer()
        while world.refreshes or any(not task.done() for task in world.tasks):
            if world.refreshes:
                world.refreshes.popleft().set_result(None)
            await asyncio.sleep(0)
    assert isinstance(world.done.get(sent), Refused)


class ConnectionAppend(LoggedAppend):
    """An append of a connection that knows a version of the room. It carries the higher one of that and `versions`."""

    def __init__(self, world: World, number: int, room_version: int) -> None:
        super().__init__(ROOM)
        self.world, self.number, self.version = world, number, room_version

    @property
    def room_version(self) -> int:
        return self.version

    def attempt(self, on_done: AppendCallback) -> None:
        self.version = max(self.version, self.world.versions.get(ROOM, 0))
        self.world.unanswered.append((self.number, self.version, on_done))

    def finish(self, outcome: AppendOutcome | Error) -> None:
        self.world.done[self.number] = outcome


@pytest.mark.anyio
async def test_a_newer_version_of_one_connection_does_not_hide_the_older_one_of_another() -> None:
    world = World()
    world.store_version = 3
    for number, known in ((1, 3), (2, 2), (3, 3)):  # the second connection learns of version 3 after its first message
        world.appends.submit(ConnectionAppend(world, number, known))
    await world.settle()
    assert world.log == [1, 2, 3]


@pytest.mark.anyio
async def test_a_version_that_only_this_process_knows_holds_a_message_behind_an_older_one() -> None:
    world = World()
    world.store_version = 2
    world.appends.submit(ConnectionAppend(world, 1, 1))
    world.versions[ROOM] = 2  # by a sweep that changed nothing for this connection
    world.appends.submit(ConnectionAppend(world, 2, 1))
    await world.settle()
    assert world.log == [1, 2]


@pytest.mark.anyio
async def test_a_room_that_changes_all_the_time_does_not_hold_a_message_for_ever() -> None:
    class Unprepared(LoggedAppend):
        room_version = 1
        lookups = 0
        outcome: AppendOutcome | Error | None = None

        def prepare(self) -> Coroutine[Any, Any, None]:
            self.lookups += 1
            return asyncio.sleep(0)

        def attempt(self, on_done: AppendCallback) -> None:
            on_done(Appended(1, "e", "", False))

        def finish(self, outcome: AppendOutcome | Error) -> None:
            self.outcome = outcome

    world = World()
    append = Unprepared(ROOM)
    world.appends.submit(append)
    await world.settle()
    assert append.outcome == Appended(1, "e", "", False)
    assert append.lookups == MAX_PREPARATIONS


@pytest.mark.anyio
async def test_the_number_of_held_appends_is_bounded() -> None:
    world = World()
    world.store_version = 2
    world.send()
    world.answer()
    for _ in range(MAX_HELD):
        world.send()
    assert [type(outcome) for outcome in world.done.values()] == [BrokerUnavailable]
    await world.settle()


@pytest.mark.anyio
async def test_an_append_that_is_not_allowed_any_more_gets_the_error() -> None:
    outcomes: list[AppendOutcome | Error] = []
    answers: list[AppendCallback] = []
    rejection = error(ErrorCode.NOT_FOUND, "gone")

    class Append(LoggedAppend):
        room_version = 1

        def attempt(self, on_done: AppendCallback) -> Error | None:
            if answers:
                return rejection
            answers.append(on_done)
            return None

        def finish(self, outcome: AppendOutcome | Error) -> None:
            outcomes.append(outcome)

    async def refresh(room: str, version: int) -> None: ...

    tasks = []
    appends = HeldAppends(refresh, {}, lambda work, name: tasks.append(asyncio.ensure_future(work)))
    appends.submit(Append(ROOM))
    answers[0](Refused(Refusal.STALE, 2))
    await asyncio.gather(*tasks)
    assert outcomes == [rejection]
