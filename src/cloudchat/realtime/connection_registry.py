"""Every open socket of this process, by user, session and address: who must make room, and whom a revocation hits.

`rate_limiting/cluster_connection_limit.py` counts the sockets of all processes. The limits here hold while the store is
away.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from cloudchat.protocol.close_codes import CloseCode
from cloudchat.rate_limiting.token_bucket import TokenBucket
from cloudchat.realtime.connection import Connection

SOCKETS_WORTH_OF_SENDS = 3
"""A user may send as much as so many sockets may: nobody types in more at once."""


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """How many sockets may be open. uvicorn's own limit does not count sockets."""

    per_user: int = 10
    per_address: int = 100
    total: int = 20_000


class _User:
    __slots__ = ("connections", "sends")

    def __init__(self, sends: TokenBucket) -> None:
        self.connections: dict[Connection, None] = {}
        self.sends = sends


class ConnectionRegistry:
    """Counts sockets, and finds them. Each address and user costs one entry while it has a socket."""

    def __init__(self, limits: SocketLimits, sends_per_10s: int) -> None:
        self._limits = limits
        self._sends_per_10s = sends_per_10s
        self._users: dict[str, _User] = {}
        self._addresses: Counter[str] = Counter()
        self._numbered: dict[int, Connection] = {}
        self._reserved = 0

    def __len__(self) -> int:
        return self._reserved

    @property
    def full(self) -> bool:
        """Whether this process takes no more sockets at all."""
        return self._reserved >= self._limits.total

    def reserve(self, address: str) -> bool:
        """Take a place for a socket that is being opened, before anything is asked of the database; else False."""
        if self.full or self._addresses[address] >= self._limits.per_address:
            return False
        self._addresses[address] += 1
        self._reserved += 1
        return True

    def release(self, address: str) -> None:
        """Give a reserved place back: the socket is closed, or was never opened."""
        self._reserved -= 1
        self._addresses[address] -= 1
        if not self._addresses[address]:
            del self._addresses[address]

    def sends_of(self, user_id: str, now: float) -> TokenBucket:
        """What all sockets of a user may send together: ten sockets must not be ten allowances.

        Ask right before `enter`. `now` is seconds of a monotonic clock.
        """
        user = self._users.get(user_id)
        if user is None:
            most = SOCKETS_WORTH_OF_SENDS * self._sends_per_10s
            user = self._users[user_id] = _User(TokenBucket(most, most / 10, now))
        return user.sends

    def enter(self, connection: Connection, number: int) -> Connection | None:
        """List an open socket. Returns the user's oldest one if they have too many here: it must go."""
        self._numbered[number] = connection
        connections = self._users[connection.principal.user_id].connections
        connections[connection] = None
        return next(iter(connections)) if len(connections) > self._limits.per_user else None

    def leave(self, connection: Connection, number: int) -> None:
        """Strike a socket off; harmless if it is not listed."""
        self._numbered.pop(number, None)
        user = self._users.get(connection.principal.user_id)
        if user is not None:
            user.connections.pop(connection, None)
            if not user.connections:
                del self._users[connection.principal.user_id]

    def replace(self, numbers: Iterable[int]) -> None:
        """Close sockets whose users have newer ones, in another process perhaps."""
        for number in numbers:
            connection = self._numbered.get(number)
            if connection is not None:
                connection.socket.close(CloseCode.REPLACED)

    def all(self) -> Iterable[Connection]:
        """Every socket."""
        return [connection for user in self._users.values() for connection in user.connections]
