"""Admission: what each limit rejects, and that no failed handshake keeps a slot."""

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest

from cloudchat.protocol.close_codes import CloseCode
from cloudchat.protocol.errors import ErrorCode
from cloudchat.realtime.connection import Connection
from cloudchat.realtime.opening.admission import Admission
from cloudchat.realtime.opening.handshake import HandshakeRejection
from unit.realtime.fakes import FakeLimits

pytestmark = pytest.mark.anyio


class FakeConnection:
    """What the registry needs of a connection."""

    def __init__(self, user_id: str) -> None:
        closes: list[CloseCode] = []
        self.principal = SimpleNamespace(user_id=user_id)
        self.socket = SimpleNamespace(close=closes.append)


class World(FakeLimits):
    def connection(self, user_id: str = "u") -> Connection:
        self.registry.allowance(user_id, 0)
        return cast(Connection, FakeConnection(user_id))

    async def rejection(self, network: str = "a") -> HandshakeRejection:
        with pytest.raises(HandshakeRejection) as rejected:
            await self.try_handshake(network)
        return rejected.value

    async def try_handshake(self, network: str) -> None:
        async with self.control.admit(network) as admission:
            await admission.acquire("u")

    async def open(self, network: str = "a") -> Admission:
        async with self.control.admit(network) as admission:
            await admission.acquire("u")
            admission.register(self.connection())
            admission.hand_over()
        return admission


@pytest.fixture
def world() -> World:
    return World()


async def test_slots_are_kept_after_hand_over_until_they_are_released(world: World) -> None:
    admission = await world.open()
    assert world.slots == (1, 1, 1)
    admission.release()
    admission.release()
    assert world.slots == (0, 0, 0)


async def test_handshake_that_is_not_handed_over_releases_its_slots(world: World) -> None:
    async with world.control.admit("a") as admission:
        await admission.acquire("u")
        assert world.slots == (1, 1, 0)
    assert world.slots == (0, 0, 0)


@pytest.mark.parametrize("stage", ["admitted", "acquired", "registered"])
async def test_failed_handshake_releases_its_slots(world: World, stage: str) -> None:
    async def handshake() -> None:
        async with world.control.admit("a") as admission:
            if stage != "admitted":
                await admission.acquire("u")
            if stage == "registered":
                admission.register(world.connection())
            raise LookupError("a bug")

    with pytest.raises(LookupError):
        await handshake()
    assert world.slots == (0, 0, 0)


@pytest.mark.parametrize("where", ["before the cluster slot", "while it is acquired", "after it"])
async def test_cancelled_handshake_releases_its_slots(world: World, where: str) -> None:
    world.cluster_limit.blocked = where == "while it is acquired"

    async def handshake() -> None:
        async with world.control.admit("a") as admission:
            if where != "before the cluster slot":
                await admission.acquire("u")
            await asyncio.Event().wait()

    task = asyncio.create_task(handshake())
    await asyncio.sleep(0)
    assert world.slots[0] == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert world.slots == (0, 0, 0)


async def test_too_many_handshakes_of_an_address_are_rejected_with_the_wait(world: World) -> None:
    world.cluster_limit.address_wait = 7
    error = (await world.rejection()).error
    assert (error.code, error.status, error.retry_after_ms) == (ErrorCode.RATE_LIMITED, 429, 7000)
    assert world.slots == (0, 0, 0)


async def test_too_many_handshakes_of_a_user_are_rejected_with_the_user_for_the_log(world: World) -> None:
    world.cluster_limit.user_wait = 7
    rejection = await world.rejection()
    assert (rejection.error.code, rejection.user_id) == (ErrorCode.RATE_LIMITED, "u")
    assert world.slots == (0, 0, 0)


async def test_address_with_too_many_sockets_in_this_process_is_rejected(world: World) -> None:
    await world.open("a")
    await world.open("a")
    assert (await world.rejection("a")).error.code is ErrorCode.RATE_LIMITED
    await world.open("b")


async def test_full_process_rejects_every_handshake_with_503(world: World) -> None:
    for network in "abc":
        await world.open(network)
    assert (await world.rejection("d")).error.code is ErrorCode.UNAVAILABLE


async def test_address_with_too_many_sockets_in_the_cluster_is_rejected(world: World) -> None:
    world.cluster_limit.full = True
    rejection = await world.rejection()
    assert (rejection.error.code, rejection.user_id) == (ErrorCode.RATE_LIMITED, "u")
    assert world.slots == (0, 0, 0)


@pytest.mark.parametrize(
    ("user_known", "counted"), [(True, [["address", "user"]]), (False, [["address"], ["user"]])], ids=["known", "new"]
)
async def test_handshake_counts_once_for_its_address_and_its_user(
    world: World, user_known: bool, counted: list[list[str]]
) -> None:
    async with world.control.admit("a") as admission:
        if not user_known:
            await admission.count_address()
        await admission.acquire("u")
    assert world.cluster_limit.counted == counted


async def test_address_without_room_in_this_process_still_counts_its_handshakes(world: World) -> None:
    for _ in range(2):
        await world.open("a")
    world.cluster_limit.counted.clear()
    with pytest.raises(HandshakeRejection):
        async with world.control.admit("a"):
            raise AssertionError("the handshake was admitted")
    assert world.cluster_limit.counted == [["address"]]
