"""Admission of sockets: how often they may be opened, and how many may be open.

Three limits apply, the cheap ones first, before anything expensive is done for an unknown client:

1. The connection rate of the client network, then (once the user is known) of the user.
2. The sockets of this process, in total and per client network (`connection_registry.py`).
3. The sockets of all processes, per client network and per user (`rate_limiting/cluster_connection_limit.py`). A user
   who has too many is not rejected: their oldest socket is closed.

A socket's slots are acquired during the handshake and released when its connection ends. `AdmissionControl.admit` pairs
the two also for handshakes that fail or are cancelled.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cloudchat.core.reconnect_window import reconnect_window_ms
from cloudchat.protocol.errors import ErrorCode
from cloudchat.rate_limiting.cluster_connection_limit import ClusterConnectionLimit
from cloudchat.rate_limiting.connection_rate import ConnectionRateLimit
from cloudchat.realtime.connection import Connection
from cloudchat.realtime.connection_registry import ConnectionRegistry
from cloudchat.realtime.opening.handshake import HandshakeRejection
from cloudchat.realtime.user_allowance import UserAllowance


class AdmissionControl:
    """The limits that every handshake must pass."""

    def __init__(
        self, rate: ConnectionRateLimit, registry: ConnectionRegistry, cluster_limit: ClusterConnectionLimit
    ) -> None:
        self._rate = rate
        self._registry = registry
        self._cluster_limit = cluster_limit

    @asynccontextmanager
    async def admit(self, network: str) -> AsyncIterator["Admission"]:
        """Admit a handshake from a client network. Raises `HandshakeRejection`.

        On exit all slots are released, unless they were handed over to a connection.
        """
        _check_wait(await self._rate.wait_for_address(network))
        if not self._registry.reserve(network):
            if self._registry.full:
                message = "this server has reached its connection limit; try again"
                raise HandshakeRejection(ErrorCode.UNAVAILABLE, message)
            raise _too_many_sockets()
        admission = Admission(self._rate, self._registry, self._cluster_limit, network)
        try:
            yield admission
        finally:
            if not admission.handed_over:
                admission.release()


class Admission:
    """The slots that one socket holds."""

    def __init__(
        self,
        rate: ConnectionRateLimit,
        registry: ConnectionRegistry,
        cluster_limit: ClusterConnectionLimit,
        network: str,
    ) -> None:
        self._rate = rate
        self._registry = registry
        self._cluster_limit = cluster_limit
        self._network = network
        self._slot_id: int | None = None
        self._allowance: UserAllowance | None = None
        self._connection: Connection | None = None
        self._released = False
        self.handed_over = False

    async def check_user_rate(self, user_id: str) -> None:
        """Count this handshake for the user. Raises `HandshakeRejection`."""
        _check_wait(await self._rate.wait_for_user(user_id), user_id)

    async def acquire_cluster_slot(self, user_id: str) -> None:
        """Count the socket in all processes together. Raises `HandshakeRejection`."""
        self._slot_id = await self._cluster_limit.acquire(user_id, self._network)
        if self._slot_id is None:
            raise _too_many_sockets(user_id)

    def allowance(self, user_id: str, now: float) -> UserAllowance:
        """Return what all sockets of the user may send and read. Call `register` right after this."""
        self._allowance = self._registry.allowance(user_id, now)
        if self._slot_id is not None:
            self._allowance.carry_over(self._cluster_limit.sends_owed_ms(self._slot_id), now)
        return self._allowance

    def register(self, connection: Connection) -> None:
        """List the connection in the registry, so that revocations and evictions find it."""
        if self._slot_id is None:
            raise RuntimeError("acquire_cluster_slot must come before register")
        self._connection = connection
        self._registry.add(connection, self._slot_id)

    def hand_over(self) -> None:
        """Keep the slots after the handshake: from now on the connection calls `release`."""
        self.handed_over = True

    @property
    def reconnect_window_ms(self) -> int:
        """Within what time the clients of this server reconnect (`core/reconnect_window.py`)."""
        return reconnect_window_ms(len(self._registry))

    def release(self) -> None:
        """Release all slots. Calls after the first one do nothing."""
        if self._released:
            return
        self._released = True
        now = time.monotonic()
        if self._slot_id is not None:
            owed_ms = self._allowance.owed_ms(now) if self._allowance is not None else 0
            if self._connection is not None:
                self._registry.remove(self._connection, self._slot_id, now)
            self._cluster_limit.release(self._slot_id, owed_ms)
        self._registry.release(self._network)


def _check_wait(seconds: int, user_id: str = "unknown") -> None:
    """Raise `HandshakeRejection` if a connection rate limit requires a wait; 0 requires none."""
    if seconds:
        message = "too many sockets were opened in a short time; wait before you open the next one"
        raise HandshakeRejection(ErrorCode.RATE_LIMITED, message, retry_after_seconds=seconds, user_id=user_id)


def _too_many_sockets(user_id: str = "unknown") -> HandshakeRejection:
    """Return the rejection of a client network that has reached its number of sockets."""
    message = (
        "too many connections are open from this address, which an office may share: close one, or ask an "
        "administrator to raise CLOUDCHAT_SOCKETS_PER_ADDRESS"
    )
    return HandshakeRejection(ErrorCode.RATE_LIMITED, message, user_id=user_id)
