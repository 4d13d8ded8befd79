"""The open sockets of this process, by user, by slot and by client network.

The limits here apply only to this process. `rate_limiting/connections/` counts the sockets of all processes; the limits
here are the only ones while the store is unavailable.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Protocol

from msgspec import Struct

from cloudchat.core.client_network import SUBSCRIBER_FACTOR, subscriber_network
from cloudchat.protocol.close_codes import CloseCode
from cloudchat.realtime.connection import Connection
from cloudchat.realtime.user_allowance import UserAllowance


class SocketLimits(Struct, frozen=True):
    """How many sockets may be open. uvicorn's own connection limit does not count sockets."""

    per_user: int = 10
    per_address: int = 100
    total: int = 20_000


class SocketListener(Protocol):
    """Counts the sockets of users (`ephemeral/local_presence.py`)."""

    def socket_opened(self, user_id: str) -> None:
        """A user has one more socket."""

    def socket_closed(self, user_id: str, now: float) -> None:
        """A user has one socket less. `now` is in seconds of a monotonic clock."""


class _User:
    __slots__ = ("allowance", "connections")

    def __init__(self, allowance: UserAllowance) -> None:
        self.connections: dict[Connection, None] = {}
        self.allowance = allowance


class ConnectionRegistry:
    """Counts and finds sockets. Holds one entry per client network and per user that has a socket.

    The entry of a user without a socket stays until their allowance is full again, which takes less than a minute. So
    there are at most as many of them as users who had a socket within the last minute.
    """

    def __init__(self, limits: SocketLimits, sends_per_10s: int, sockets: SocketListener) -> None:
        """`sockets` is called for every socket that is added or removed."""
        self._sockets = sockets
        self._limits = limits
        self._sends_per_10s = sends_per_10s
        self._users: dict[str, _User] = {}
        self._users_without_sockets: dict[str, None] = {}
        """Keys of `_users`, those that lost their last socket first are first."""
        self._reserved_by_network: Counter[str] = Counter()
        self._by_slot: dict[int, Connection] = {}
        self._reserved = 0

    def __len__(self) -> int:
        """Return the number of sockets, including those in the handshake."""
        return self._reserved

    @property
    def known_users(self) -> int:
        """How many users have an entry."""
        return len(self._users)

    @property
    def full(self) -> bool:
        """Whether this process has reached its total number of sockets."""
        return self._reserved >= self._limits.total

    def reserve(self, network: str) -> bool:
        """Reserve capacity for a socket of a client network; return False if there is none. Pair it with `release`."""
        limits = self._limits_of(network)
        if self.full or any(self._reserved_by_network[name] >= limit for name, limit in limits.items()):
            return False
        self._reserved_by_network.update(limits.keys())
        self._reserved += 1
        return True

    def release(self, network: str) -> None:
        """Release reserved capacity."""
        self._reserved -= 1
        for name in self._limits_of(network):
            self._reserved_by_network[name] -= 1
            if not self._reserved_by_network[name]:
                del self._reserved_by_network[name]

    def _limits_of(self, network: str) -> dict[str, int]:
        """Return how many sockets a client network may have, and the IPv6 subscriber that it belongs to."""
        limits = {network: self._limits.per_address}
        subscriber = subscriber_network(network)
        if subscriber is not None:
            limits[subscriber] = SUBSCRIBER_FACTOR * self._limits.per_address
        return limits

    def allowance(self, user_id: str, now: float) -> UserAllowance:
        """Return what all sockets of the user may send and read: ten sockets must not have ten allowances.

        `now` is in seconds of a monotonic clock. Call `add` for a connection of the user right after this.
        """
        self._forget_users(now)
        user = self._users.get(user_id)
        if user is None:
            user = self._users[user_id] = _User(UserAllowance(self._sends_per_10s, now))
        self._users_without_sockets.pop(user_id, None)
        return user.allowance

    def add(self, connection: Connection, slot_id: int) -> None:
        """Add an open connection. A user who then has too many in this process loses the oldest one (4409)."""
        self._by_slot[slot_id] = connection
        connections = self._users[connection.principal.user_id].connections
        connections[connection] = None
        self._sockets.socket_opened(connection.principal.user_id)
        if len(connections) > self._limits.per_user:
            next(iter(connections)).socket.close(CloseCode.REPLACED)

    def remove(self, connection: Connection, slot_id: int, now: float) -> None:
        """Remove a connection; does nothing if it is not listed. `now` is in seconds of a monotonic clock."""
        self._by_slot.pop(slot_id, None)
        user_id = connection.principal.user_id
        user = self._users.get(user_id)
        if user is not None and connection in user.connections:
            del user.connections[connection]
            self._sockets.socket_closed(user_id, now)
            if not user.connections:
                self._users_without_sockets[user_id] = None
        self._forget_users(now)

    # -- the limits of requests (`messages.routes.UserLimits`) --------------------------------------------------------

    def take_send(self, user_id: str, now: float) -> int:
        """Charge a message that does not come from a socket. Return 0, or the milliseconds to wait."""
        return self._allowance_of_request(user_id, now).sends.take(now)

    def start_read(self, user_id: str, now: float) -> int:
        """Charge the fixed cost of a read that does not come from a socket. Return 0, or the milliseconds to wait."""
        return self._allowance_of_request(user_id, now).reads.start(now)

    def charge_read(self, user_id: str, size: int, now: float) -> None:
        """Charge bytes of such a read."""
        self._allowance_of_request(user_id, now).reads.charge(size, now)

    def _allowance_of_request(self, user_id: str, now: float) -> UserAllowance:
        allowance = self.allowance(user_id, now)
        if not self._users[user_id].connections:
            self._users_without_sockets[user_id] = None
        return allowance

    def _forget_users(self, now: float) -> None:
        """Forget users without sockets whose allowance is full again, as far as they are the first ones."""
        while self._users_without_sockets:
            user_id = next(iter(self._users_without_sockets))
            if not self._users[user_id].allowance.is_full(now):
                return
            del self._users_without_sockets[user_id], self._users[user_id]

    def evict(self, slot_ids: Iterable[int]) -> None:
        """Close connections whose users have too many newer ones, in any process (4409). Ignores unknown slots."""
        for slot_id in slot_ids:
            connection = self._by_slot.get(slot_id)
            if connection is not None:
                connection.socket.close(CloseCode.REPLACED)

    def connections_of(self, user_id: str) -> list[Connection]:
        """Return the connections of a user in this process; a copy, because closing one removes it."""
        user = self._users.get(user_id)
        return list(user.connections) if user is not None else []

    def all(self) -> list[Connection]:
        """Return all connections; a copy, because closing one removes it."""
        return [connection for user in self._users.values() for connection in user.connections]
