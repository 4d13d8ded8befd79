"""Admission of sockets: how often they may be opened, and how many may be open.

Three limits apply, before anything expensive is done for an unknown client:

1. The connection rate of the client network, then (once the user is known) of the user.
2. The sockets of this process, in total and per client network (`connection_registry.py`).
3. The sockets of all processes, per client network and per user. A user who has too many is not rejected: their oldest
   socket is closed.

The store counts the first and the third ones (`rate_limiting/connections/`): in one call if the user is known when the
handshake arrives, else in two, one before the token is verified and one after it.

A socket's slots are acquired during the handshake and released when its connection ends. `Admission` pairs the two also
for handshakes that fail or are cancelled.
"""

import time
from collections.abc import Awaitable
from typing import Self, TypeVar

from cloudchat.core.reconnect_window import reconnect_window_ms
from cloudchat.protocol.errors import ErrorCode
from cloudchat.rate_limiting.connections.cluster_connection_limit import ClusterConnectionLimit, TooManyHandshakes
from cloudchat.rate_limiting.connections.connection_rate import ConnectionRates, Window
from cloudchat.realtime.connection import Connection
from cloudchat.realtime.connection_registry import ConnectionRegistry
from cloudchat.realtime.opening.handshake import HandshakeRejection
from cloudchat.realtime.user_allowance import UserAllowance

_Counted = TypeVar("_Counted")


class AdmissionControl:
    """The limits that every handshake must pass."""

    def __init__(
        self, rates: ConnectionRates, registry: ConnectionRegistry, cluster_limit: ClusterConnectionLimit
    ) -> None:
        self._rates = rates
        self._registry = registry
        self._cluster_limit = cluster_limit

    def admit(self, network: str) -> "Admission":
        """Return the admission of a handshake from a client network, for `async with`."""
        return Admission(self._rates, self._registry, self._cluster_limit, network)


class Admission:
    """The slots that one socket holds. `async with` reserves a socket of this process, or raises `HandshakeRejection`.

    The first call in the block must be `count_address`, or `acquire` if the user is known. At its end all slots are
    released, unless they were handed over to a connection.
    """

    def __init__(
        self,
        rates: ConnectionRates,
        registry: ConnectionRegistry,
        cluster_limit: ClusterConnectionLimit,
        network: str,
    ) -> None:
        self._rates = rates
        self._registry = registry
        self._cluster_limit = cluster_limit
        self._network = network
        self._slot_id: int | None = None
        self._allowance: UserAllowance | None = None
        self._connection: Connection | None = None
        self._released = False
        self.handed_over = False
        self._uncounted: list[Window] = rates.windows_of_address(network)
        """The windows of the network, while the handshake does not count in them yet."""

    async def __aenter__(self) -> Self:
        """Reserve a socket of this process."""
        if not self._registry.reserve(self._network):
            await self.count_address()
            raise _server_is_full() if self._registry.full else _too_many_sockets()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Release the slots of a handshake that failed."""
        if not self.handed_over:
            self.release()

    async def count_address(self) -> None:
        """Count the handshake for the network, before its user is known. Raises `HandshakeRejection`."""
        windows, self._uncounted = self._uncounted, []
        await _count(self._cluster_limit.count_handshake(windows))

    async def acquire(self, user_id: str) -> None:
        """Count the handshake for the user, and the socket in all processes together. Raises `HandshakeRejection`.

        The same call counts the handshake for the network, too, unless `count_address` has.
        """
        windows, self._uncounted = [*self._uncounted, self._rates.window_of_user(user_id)], []
        self._slot_id = await _count(self._cluster_limit.acquire(user_id, self._network, windows), user_id)
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
            raise RuntimeError("acquire must come before register")
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


async def _count(counting: Awaitable[_Counted], user_id: str = "unknown") -> _Counted:
    """Await a call that counts a handshake. Raises `HandshakeRejection` if a rate requires a wait."""
    try:
        return await counting
    except TooManyHandshakes as error:
        message = "too many sockets were opened in a short time; wait before you open the next one"
        seconds = error.wait_seconds
        raise HandshakeRejection(
            ErrorCode.RATE_LIMITED, message, retry_after_seconds=seconds, user_id=user_id
        ) from None


def _server_is_full() -> HandshakeRejection:
    message = "this server has reached its connection limit; try again"
    return HandshakeRejection(ErrorCode.UNAVAILABLE, message)


def _too_many_sockets(user_id: str = "unknown") -> HandshakeRejection:
    """Return the rejection of a client network that has reached its number of sockets."""
    message = (
        "too many connections are open from this address, which an office may share: close one, or ask an "
        "administrator to raise CLOUDCHAT_SOCKETS_PER_ADDRESS"
    )
    return HandshakeRejection(ErrorCode.RATE_LIMITED, message, user_id=user_id)
