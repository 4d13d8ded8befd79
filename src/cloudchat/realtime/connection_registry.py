"""The open sockets of this process, by user, by slot and by client network.

The limits here apply only to this process. `rate_limiting/cluster_connection_limit.py` counts the sockets of all
processes; the limits here are the only ones while the store is unavailable.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from cloudchat.protocol.close_codes import CloseCode
from cloudchat.rate_limiting.token_bucket import TokenBucket
from cloudchat.realtime.connection import Connection

USER_SEND_FACTOR = 3
"""The send rate of a user, in rates of one socket: one person types in few sockets at the same time."""


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """How many sockets may be open. uvicorn's own connection limit does not count sockets."""

    per_user: int = 10
    per_address: int = 100
    total: int = 20_000


class _User:
    __slots__ = ("connections", "send_bucket")

    def __init__(self, send_bucket: TokenBucket) -> None:
        self.connections: dict[Connection, None] = {}
        self.send_bucket = send_bucket


class ConnectionRegistry:
    """Counts and finds sockets. Holds one entry per client network and per user that has a socket."""

    def __init__(self, limits: SocketLimits, sends_per_10s: int) -> None:
        self._limits = limits
        self._sends_per_10s = sends_per_10s
        self._users: dict[str, _User] = {}
        self._reserved_by_network: Counter[str] = Counter()
        self._by_slot: dict[int, Connection] = {}
        self._reserved = 0

    def __len__(self) -> int:
        """Return the number of sockets, including those in the handshake."""
        return self._reserved

    @property
    def full(self) -> bool:
        """Whether this process has reached its total number of sockets."""
        return self._reserved >= self._limits.total

    def reserve(self, network: str) -> bool:
        """Reserve capacity for a socket of a client network; return False if there is none. Pair it with `release`."""
        if self.full or self._reserved_by_network[network] >= self._limits.per_address:
            return False
        self._reserved_by_network[network] += 1
        self._reserved += 1
        return True

    def release(self, network: str) -> None:
        """Release reserved capacity."""
        self._reserved -= 1
        self._reserved_by_network[network] -= 1
        if not self._reserved_by_network[network]:
            del self._reserved_by_network[network]

    def send_bucket(self, user_id: str, now: float) -> TokenBucket:
        """Return the bucket that all sockets of a user share: ten sockets must not have ten times the rate.

        `now` is in seconds of a monotonic clock. Call `add` for a connection of the user right after this: the user's
        entry is deleted with their last connection.
        """
        user = self._users.get(user_id)
        if user is None:
            capacity = USER_SEND_FACTOR * self._sends_per_10s
            user = self._users[user_id] = _User(TokenBucket(capacity, capacity / 10, now))
        return user.send_bucket

    def add(self, connection: Connection, slot_id: int) -> None:
        """Add an open connection. A user who then has too many in this process loses the oldest one (4409)."""
        self._by_slot[slot_id] = connection
        connections = self._users[connection.principal.user_id].connections
        connections[connection] = None
        if len(connections) > self._limits.per_user:
            next(iter(connections)).socket.close(CloseCode.REPLACED)

    def remove(self, connection: Connection, slot_id: int) -> None:
        """Remove a connection; does nothing if it is not listed."""
        self._by_slot.pop(slot_id, None)
        user = self._users.get(connection.principal.user_id)
        if user is not None:
            user.connections.pop(connection, None)
            if not user.connections:
                del self._users[connection.principal.user_id]

    def evict(self, slot_ids: Iterable[int]) -> None:
        """Close connections whose users have too many newer ones, in any process (4409). Ignores unknown slots."""
        for slot_id in slot_ids:
            connection = self._by_slot.get(slot_id)
            if connection is not None:
                connection.socket.close(CloseCode.REPLACED)

    def all(self) -> list[Connection]:
        """Return all connections; a copy, because closing one removes it."""
        return [connection for user in self._users.values() for connection in user.connections]
