"""What a user may send and read through sockets. It outlives the sockets: a new one must not bring a new allowance.

Sans-I/O: times are seconds of a monotonic clock. The allowances of a process are in its `ConnectionRegistry`.
"""

import math

from cloudchat.rate_limiting.token_bucket import TokenBucket

USER_SEND_FACTOR = 3
"""The send rate of a user, in rates of one socket: one person types in few sockets at the same time."""
MAX_COMMAND_BURST = 200
COMMANDS_PER_SECOND = 50
MAX_JOIN_BURST = 1500
"""Three resumes of a client with 500 rooms. What the joins of a user may read is limited by bytes, below."""
JOINS_PER_SECOND = 100
MAX_AUTH_BURST = 10
AUTHS_PER_SECOND = 10 / 60
"""Per socket. A token is renewed every few minutes. Each check costs a thread and SQL: 376/s took 63 % of a core."""
USER_AUTH_FACTOR = 3
"""All sockets of a user together may renew their tokens as often as this many sockets."""
READ_BURST_BYTES = 64 << 20
"""What a user may read at once in replays and history. A client that joins 500 rooms with 50 messages of 500 bytes
each costs 20 MiB, so three devices can do that at the same time.
"""
READ_BYTES_PER_SECOND = 2 << 20
"""Four pages of the largest messages per second, or 80 of ordinary ones: more than anyone scrolls."""
READ_COMMAND_BYTES = 16 << 10
"""What a command that reads costs beside the bytes of its events: a call that returns nothing costs time, too."""


class SocketBuckets:
    """The buckets of one socket."""

    __slots__ = ("_sends_per_10s", "commands", "joins", "sends")

    def __init__(self, sends_per_10s: int, now: float, owed_ms: int = 0) -> None:
        """`owed_ms` is what another socket's `owed_ms` was."""
        self._sends_per_10s = sends_per_10s
        # `welcome` promises a rate of sends. The coarser limit on commands must never reject such a send.
        self.commands = TokenBucket(MAX_COMMAND_BURST + sends_per_10s, COMMANDS_PER_SECOND + sends_per_10s / 10, now)
        self.joins = TokenBucket(MAX_JOIN_BURST, JOINS_PER_SECOND, now)
        self.sends = TokenBucket(sends_per_10s, sends_per_10s / 10, now)
        self.sends.overdraw(owed_ms / 10_000 * sends_per_10s, now)

    def owed_ms(self, now: float) -> int:
        """Return the milliseconds until the socket could again send its full burst."""
        return math.ceil(self.sends.missing(now) / self._sends_per_10s * 10_000)

    def missing(self, now: float) -> tuple[float, float, float]:
        """Return how many sends, commands and joins are missing until the buckets are full."""
        return self.sends.missing(now), self.commands.missing(now), self.joins.missing(now)


class ReadBudget:
    """How many bytes of the rooms' logs a user may read. A read is charged after it, when its size is known."""

    __slots__ = ("_bucket",)

    def __init__(self, now: float) -> None:
        self._bucket = TokenBucket(READ_BURST_BYTES, READ_BYTES_PER_SECOND, now)

    def start(self, now: float) -> int:
        """Charge the fixed cost of a command that reads. Return 0, or the milliseconds to wait before it."""
        wait_ms = self._bucket.wait_ms(now)
        if not wait_ms:
            self._bucket.overdraw(READ_COMMAND_BYTES, now)
        return wait_ms

    def charge(self, size: int, now: float) -> None:
        """Charge bytes that were read."""
        self._bucket.overdraw(size, now)

    def wait_ms(self, now: float) -> int:
        """Return the milliseconds until the user may read on, or 0."""
        return self._bucket.wait_ms(now)

    def is_full(self, now: float) -> bool:
        """Return whether everything that was read is paid off."""
        return self._bucket.missing(now) <= 0


class UserAllowance:
    """The buckets of one user: `sends` and `reads` are shared by all sockets, and each socket has its `SocketBuckets`.

    A socket that opens takes over the emptiest buckets of those that have closed. So a client that reconnects can send
    as much as one that stays, and several sockets as much as if all had stayed open.
    """

    __slots__ = ("_closed", "_sends_per_10s", "auths", "reads", "sends")

    def __init__(self, sends_per_10s: int, now: float) -> None:
        capacity = USER_SEND_FACTOR * sends_per_10s
        self.sends = TokenBucket(capacity, capacity / 10, now)
        self.reads = ReadBudget(now)
        self.auths = TokenBucket(USER_AUTH_FACTOR * MAX_AUTH_BURST, USER_AUTH_FACTOR * AUTHS_PER_SECOND, now)
        self._sends_per_10s = sends_per_10s
        self._closed: list[SocketBuckets] = []
        """The buckets of closed sockets that are not full again."""

    def open_socket(self, now: float) -> SocketBuckets:
        """Return the buckets of a new socket."""
        self._drop_full(now)
        if not self._closed:
            return SocketBuckets(self._sends_per_10s, now)
        emptiest = max(self._closed, key=lambda buckets: buckets.missing(now))
        self._closed.remove(emptiest)
        return emptiest

    def owed_ms(self, now: float) -> int:
        """Return the milliseconds until each closed socket could again send its full burst."""
        return max((buckets.owed_ms(now) for buckets in self._closed), default=0)

    def carry_over(self, owed_ms: int, now: float) -> None:
        """Note that a socket of the user was closed elsewhere; `owed_ms` is what it owes there."""
        if owed_ms > self.owed_ms(now):
            self._closed.append(SocketBuckets(self._sends_per_10s, now, min(owed_ms, 10_000)))

    def close_socket(self, buckets: SocketBuckets, now: float) -> None:
        """Keep the buckets of a socket that was closed."""
        self._closed.append(buckets)
        self._drop_full(now)

    def is_full(self, now: float) -> bool:
        """Return whether a new allowance would be the same as this one. Call it when no socket is open."""
        self._drop_full(now)
        are_full = self.sends.missing(now) <= 0 and self.auths.missing(now) <= 0
        return not self._closed and are_full and self.reads.is_full(now)

    def _drop_full(self, now: float) -> None:
        self._closed = [buckets for buckets in self._closed if any(amount > 0 for amount in buckets.missing(now))]
