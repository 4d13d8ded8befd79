"""Limits and a connection handler that tests control."""

import asyncio
from collections.abc import Coroutine
from socket import SocketType
from typing import Any, cast

from cloudchat.process.supervision import Supervisor
from cloudchat.protocol.commands import AnyCommand
from cloudchat.protocol.errors import Error
from cloudchat.rate_limiting.cluster_connection_limit import ClusterConnectionLimit
from cloudchat.rate_limiting.connection_rate import ConnectionRateLimit
from cloudchat.realtime.connection import Connection
from cloudchat.realtime.connection_registry import ConnectionRegistry, SocketLimits
from cloudchat.realtime.opening.admission import AdmissionControl


def socket_without_descriptor() -> SocketType:
    """Return the `direct` of a member that must be written to by `push`."""
    return SocketType.__new__(SocketType)


class FakeRate:
    def __init__(self) -> None:
        self.address_wait = self.user_wait = 0

    async def wait_for_address(self, network: str) -> int:
        return self.address_wait

    async def wait_for_user(self, user_id: str) -> int:
        return self.user_wait


class FakeClusterLimit:
    """Counts slots; `full` rejects, `blocked` never answers."""

    def __init__(self) -> None:
        self.acquired: set[int] = set()
        self.full = False
        self.blocked = False
        self.owed_ms = 0

    async def acquire(self, user_id: str, network: str) -> int | None:
        if self.blocked:
            await asyncio.Event().wait()
        if self.full:
            return None
        slot_id = len(self.acquired) + 1
        self.acquired.add(slot_id)
        return slot_id

    def sends_owed_ms(self, slot_id: int) -> int:
        return self.owed_ms

    def release(self, slot_id: int, sends_owed_ms: int = 0) -> None:
        self.owed_ms = sends_owed_ms
        self.acquired.remove(slot_id)


class FakeLimits:
    """All limits, and the admission control that applies them."""

    def __init__(self) -> None:
        self.rate, self.cluster_limit = FakeRate(), FakeClusterLimit()
        self.registry = ConnectionRegistry(SocketLimits(per_user=2, per_address=2, total=3), sends_per_10s=20)
        self.control = AdmissionControl(
            cast(ConnectionRateLimit, self.rate), self.registry, cast(ClusterConnectionLimit, self.cluster_limit)
        )

    @property
    def slots(self) -> tuple[int, int, int]:
        """Slots in use: reserved in this process, acquired in the cluster, registered connections."""
        return len(self.registry), len(self.cluster_limit.acquired), len(self.registry.all())


class FakeHandler:
    """Records what connections report."""

    def __init__(self) -> None:
        self.supervisor = Supervisor()
        self.tasks: list[asyncio.Task[None]] = []
        self.commands: list[AnyCommand] = []
        self.rejected: list[Error] = []
        self.closed: list[Connection] = []

    def dispatch(self, connection: Connection, command: AnyCommand) -> None:
        self.commands.append(command)

    def frame_rejected(self, error: Error) -> None:
        self.rejected.append(error)

    def connection_closed(self, connection: Connection) -> None:
        self.closed.append(connection)

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = self.supervisor.spawn(work, name)
        self.tasks.append(task)
        return task
