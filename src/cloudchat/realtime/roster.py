"""Every open socket of this process, by user, session and address: who must make room, and whom a revocation hits."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from cloudchat.realtime.connection import Connection


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """How many sockets may be open in one process. uvicorn's own limit does not count sockets."""

    per_user: int = 10
    per_address: int = 100
    total: int = 20_000


class Roster:
    """Counts sockets, and finds them. Each address and user costs one entry while it has a socket."""

    def __init__(self, limits: SocketLimits) -> None:
        self._limits = limits
        self._by_user: dict[str, dict[Connection, None]] = {}
        self._addresses: Counter[str] = Counter()
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

    def enter(self, connection: Connection) -> Connection | None:
        """List an open socket. Returns the user's oldest one if they have too many now: it must go."""
        of_user = self._by_user.setdefault(connection.principal.user_id, {})
        of_user[connection] = None
        return next(iter(of_user)) if len(of_user) > self._limits.per_user else None

    def leave(self, connection: Connection) -> None:
        """Strike a socket off; harmless if it is not listed."""
        of_user = self._by_user.get(connection.principal.user_id, {})
        of_user.pop(connection, None)
        if not of_user:
            self._by_user.pop(connection.principal.user_id, None)

    def of_user(self, user_id: str) -> list[Connection]:
        """The user's sockets, the oldest first."""
        return list(self._by_user.get(user_id, ()))

    def all(self) -> Iterable[Connection]:
        """Every socket."""
        return [connection for of_user in self._by_user.values() for connection in of_user]
