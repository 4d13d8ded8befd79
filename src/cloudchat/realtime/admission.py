"""Admission of sockets: how often they may be opened, and how many may be open.

Three limits apply, the cheap ones first, before anything expensive is done for a stranger:

1. The connection rate of the client network, then (once the user is known) of the user.
2. The sockets of this process, in total and per client network (`connection_registry.py`).
3. The sockets of all processes, per client network and per user (`rate_limiting/cluster_connection_limit.py`). A user
   who has too many is not rejected: their oldest socket is closed.

A socket's slots are acquired during the handshake and released when its connection ends. `AdmissionControl.admit` pairs
the two also for handshakes that fail or are cancelled.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cloudchat.protocol.errors import ErrorCode
from cloudchat.rate_limiting.cluster_connection_limit import ClusterConnectionLimit
from cloudchat.rate_limiting.connection_rate import ConnectionRateLimit
from cloudchat.realtime.connection import Connection
from cloudchat.realtime.connection_registry import ConnectionRegistry
from cloudchat.realtime.handshake import HandshakeRejection


class AdmissionControl:
    """The limits that every handshake must pass."""

    def __init__(
        self, rate: ConnectionRateLimit, registry: ConnectionRegistry, cluster_limit: ClusterConnectionLimit
    ) -> None:
        self.rate = rate
        self.registry = registry
        self.cluster_limit = cluster_limit

    @asynccontextmanager
    async def admit(self, network: str) -> AsyncIterator["Admission"]:
        """Admit a handshake from a client network. Raises `HandshakeRejection`.

        On exit all slots are released, unless they were handed over to a connection.
        """
        check_wait(await self.rate.wait_for_address(network))
        if not self.registry.reserve(network):
            if self.registry.full:
                message = "this server has reached its connection limit; try again"
                raise HandshakeRejection(ErrorCode.UNAVAILABLE, message)
            raise too_many_sockets()
        admission = Admission(self, network)
        try:
            yield admission
        finally:
            if not admission.handed_over:
                admission.release()


class Admission:
    """The slots that one socket holds."""

    def __init__(self, control: AdmissionControl, network: str) -> None:
        self._control = control
        self._network = network
        self._slot_id: int | None = None
        self._connection: Connection | None = None
        self._released = False
        self.handed_over = False

    async def check_user_rate(self, user_id: str) -> None:
        """Count this handshake for the user. Raises `HandshakeRejection`."""
        check_wait(await self._control.rate.wait_for_user(user_id), user_id)

    async def acquire_cluster_slot(self, user_id: str) -> None:
        """Count the socket in all processes together. Raises `HandshakeRejection`."""
        self._slot_id = await self._control.cluster_limit.enter(user_id, self._network)
        if self._slot_id is None:
            raise too_many_sockets(user_id)

    def register(self, connection: Connection) -> None:
        """List the connection in the registry, so that revocations and evictions find it."""
        if self._slot_id is None:
            raise RuntimeError("acquire_cluster_slot must come before register")
        self._connection = connection
        self._control.registry.add(connection, self._slot_id)

    def hand_over(self) -> None:
        """Keep the slots after the handshake: from now on the connection calls `release`."""
        self.handed_over = True

    def release(self) -> None:
        """Release all slots. Calls after the first one do nothing."""
        if self._released:
            return
        self._released = True
        if self._slot_id is not None:
            if self._connection is not None:
                self._control.registry.remove(self._connection, self._slot_id)
            self._control.cluster_limit.leave(self._slot_id)
        self._control.registry.release(self._network)


def check_wait(seconds: int, user_id: str = "unknown") -> None:
    """Raise `HandshakeRejection` if a connection rate limit requires a wait; 0 requires none."""
    if seconds:
        message = "too many sockets were opened in a short time; wait before you open the next one"
        raise HandshakeRejection(ErrorCode.RATE_LIMITED, message, retry_after_seconds=seconds, user_id=user_id)


def too_many_sockets(user_id: str = "unknown") -> HandshakeRejection:
    """Return the rejection of a client network that has reached its number of sockets."""
    message = "too many sockets are open from this address; close one first"
    return HandshakeRejection(ErrorCode.RATE_LIMITED, message, user_id=user_id)
