"""Limits and a connection handler that tests control."""

import asyncio
import json
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from socket import SocketType
from typing import Any, cast

from cloudchat.auth.principal import CHAT_READ, Principal
from cloudchat.process.supervision import Supervisor
from cloudchat.protocol.close_codes import CloseCode
from cloudchat.protocol.commands import AnyCommand
from cloudchat.protocol.errors import Error
from cloudchat.protocol.events import Limits
from cloudchat.rate_limiting.connections.cluster_connection_limit import ClusterConnectionLimit, TooManyHandshakes
from cloudchat.rate_limiting.connections.connection_rate import ConnectionRates, Window
from cloudchat.realtime.command_gate import CommandGate
from cloudchat.realtime.connection import Connection
from cloudchat.realtime.connection_registry import ConnectionRegistry, SocketLimits
from cloudchat.realtime.ephemeral.local_presence import LocalPresence
from cloudchat.realtime.opening.admission import AdmissionControl
from cloudchat.realtime.user_allowance import UserAllowance
from cloudchat.rooms.summaries.summary import RoomSummary


def socket_without_descriptor() -> SocketType:
    """Return the `direct` of a member that must be written to by `push`."""
    return SocketType.__new__(SocketType)


class FakeClusterLimit:
    """Counts slots; `full` rejects, `blocked` never answers. `counted` has the windows of each call."""

    def __init__(self) -> None:
        self.acquired: set[int] = set()
        self.counted: list[list[str]] = []
        self.address_wait = self.user_wait = 0
        self.full = False
        self.blocked = False
        self.owed_ms = 0

    async def count_handshake(self, windows: Sequence[Window]) -> None:
        self._count(windows)

    async def acquire(self, user_id: str, network: str, windows: Sequence[Window] = ()) -> int | None:
        if self.blocked:
            await asyncio.Event().wait()
        self._count(windows)
        if self.full:
            return None
        slot_id = len(self.acquired) + 1
        self.acquired.add(slot_id)
        return slot_id

    def _count(self, windows: Sequence[Window]) -> None:
        kinds = [window.key.partition(":")[0] for window in windows]
        self.counted.append(kinds)
        for kind, wait_seconds in (("address", self.address_wait), ("user", self.user_wait)):
            if kind in kinds and wait_seconds:
                raise TooManyHandshakes(wait_seconds)

    def sends_owed_ms(self, slot_id: int) -> int:
        return self.owed_ms

    def release(self, slot_id: int, sends_owed_ms: int = 0) -> None:
        self.owed_ms = sends_owed_ms
        self.acquired.remove(slot_id)


class FakeLimits:
    """All limits, and the admission control that applies them."""

    def __init__(self) -> None:
        self.cluster_limit = FakeClusterLimit()
        self.registry = ConnectionRegistry(SocketLimits(per_user=2, per_address=2, total=3), 20, LocalPresence())
        self.control = AdmissionControl(
            ConnectionRates(per_address="100/minute", per_user="100/minute"),
            self.registry,
            cast(ClusterConnectionLimit, self.cluster_limit),
        )

    @property
    def slots(self) -> tuple[int, int, int]:
        """Slots in use: reserved in this process, acquired in the cluster, registered connections."""
        return len(self.registry), len(self.cluster_limit.acquired), len(self.registry.all())


class FakeSocket:
    """Records what a connection sends."""

    def __init__(self) -> None:
        self.direct = socket_without_descriptor()
        self.closes: list[CloseCode] = []
        self.frames: list[bytes] = []
        self.on_close: Callable[[], None] = lambda: None
        self.close_code = 1006

    def push(self, frames: bytes, *, ephemeral: bool = False) -> None:
        self.frames.append(frames)

    def close(self, code: CloseCode) -> None:
        self.closes.append(code)
        self.on_close()

    async def wait_writable(self) -> None:
        pass

    @property
    def events(self) -> list[dict[str, Any]]:
        """What was sent, if each call sent one frame."""
        return [json.loads(frame[frame.index(b"{") :]) for frame in self.frames]


class FakeSlots:
    """Counts how often the slots of a connection were released."""

    reconnect_window_ms = 5000

    def __init__(self) -> None:
        self.releases = 0

    def release(self) -> None:
        self.releases += 1


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


def connection_of(
    name: str, socket: FakeSocket, rooms: Iterable[RoomSummary], allowance: UserAllowance | None = None
) -> Connection:
    """Return a connection of a user whose id is `name`, in these rooms."""
    principal = Principal(name, name, "member", frozenset({CHAT_READ}), "s1", time.time() + 600, "access")
    gate = CommandGate(Limits(), allowance or UserAllowance(20, 0), 0)
    return Connection(socket, principal, {room.id: room for room in rooms}, gate, FakeSlots(), FakeHandler())
