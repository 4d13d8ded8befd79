"""Commands that make a logged event (`send`, `edit`, `delete`, `react`) and are not acknowledged yet. Sans-I/O.

Each command keeps its cid until the server has answered it. After a lost connection, a temporary error or a missing
answer it is sent again, and the server stores it once. Each room has one command in flight at a time, so that a later
one of the same author cannot overtake one that is sent again.
"""

import random
import time
from collections import deque
from collections.abc import Callable

from msgspec import Struct

from cloudchat.client.errors import ClientError, OutboxFull, OutcomeUnknown, SendRefused
from cloudchat.client.protocol.room_events import Frame
from cloudchat.protocol.errors import ErrorCode

MAX_PENDING = 1000
CID_LIFE_SECONDS = 23 * 3600.0
"""The server remembers a cid for 24 h. A retry after that time could store the message twice."""
ANSWER_SECONDS = 10.0
"""Without an answer for this long, send again. A healthy server answers within seconds, and a repeated cid is safe."""
RETRY_BASE_SECONDS = 0.5
MAX_RETRY_SECONDS = 10.0
MAX_SERVER_DELAY_SECONDS = 60.0
"""A command that the server would accept only later than that, as in a room in slow mode, is refused: its caller would
wait without a sign, and so would everything behind it in the room.
"""


class PendingCommand(Struct, eq=False):
    """A command to send. `on_outcome` is called once, with the `ack` frame or the error."""

    room: str
    cid: str
    command: Frame
    on_outcome: Callable[["Frame | ClientError"], None]
    first_sent: tuple[float, float] | None = None
    """The monotonic and the wall-clock time of the first attempt. Both are needed: the monotonic clock stops while the
    machine sleeps, the wall clock can be set back."""
    send_at: float = 0.0
    """When it may be sent (again)."""
    retries: int = 0


class Outbox:
    """Times are seconds of a monotonic clock.

    Send what `take_due` returns, and give every `ack` and `error` to `reply_received`.
    """

    def __init__(
        self,
        rand: Callable[[], float] = random.random,
        max_pending: int = MAX_PENDING,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._queues: dict[str, deque[PendingCommand]] = {}
        self._in_flight: dict[str, PendingCommand] = {}
        self._rand = rand
        self._max_pending = max_pending
        self._wall_clock = wall_clock
        self._online = False

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def add(self, pending: PendingCommand) -> None:
        """Queue a command. Raises `OutboxFull`."""
        if len(self) >= self._max_pending:
            raise OutboxFull(f"{self._max_pending} messages and changes are not acknowledged yet")
        self._queues.setdefault(pending.room, deque()).append(pending)

    def connected(self) -> None:
        """Record a new connection: commands in flight on the last one are sent again immediately."""
        self._online = True
        self._in_flight.clear()
        for queue in self._queues.values():
            queue[0].send_at = 0.0

    def disconnected(self) -> None:
        """Record the end of the connection. Commands in flight may or may not be stored; the cid makes a retry safe."""
        self._online = False

    def take_due(self, now: float) -> list[Frame]:
        """Return the commands to send now: the first one of each room, if it is due."""
        if not self._online:
            return []
        commands = []
        for queue in list(self._queues.values()):
            while queue and self._is_expired(queue[0], now):
                self._finish(queue[0], OutcomeUnknown("it is not known whether the server stored the command"))
            if queue and queue[0].send_at <= now:
                pending = queue[0]
                pending.first_sent = pending.first_sent or (now, self._wall_clock())
                pending.send_at = now + ANSWER_SECONDS
                self._in_flight[pending.cid] = pending
                commands.append(pending.command)
        return commands

    def next_due(self) -> float | None:
        """Return the time of the next command that `take_due` will return, None if there is none."""
        return min((queue[0].send_at for queue in self._queues.values()), default=None) if self._online else None

    def reply_received(self, frame: Frame, now: float) -> bool:
        """Handle an `ack` or `error`. Return whether it belongs to a command in flight."""
        pending = self._in_flight.get(frame.get("cid") or frame.get("id") or "")
        if pending is None:
            return False
        if frame["type"] == "ack":
            self._finish(pending, frame)
        elif frame["retryable"] and _is_soon_over(frame):
            server_delay = frame.get("retry_after_ms", 0) / 1000
            bound = min(MAX_RETRY_SECONDS, RETRY_BASE_SECONDS * 2.0 ** min(pending.retries, 10))
            pending.send_at = now + server_delay + self._rand() * bound
            pending.retries += 1
        else:
            self._finish(pending, _refusal(frame))
        return True

    def fail_all(self, error: ClientError) -> None:
        """Finish all commands with `error`, because the client ends."""
        for queue in list(self._queues.values()):
            for pending in list(queue):
                self._finish(pending, error)

    def _is_expired(self, pending: PendingCommand, now: float) -> bool:
        if pending.first_sent is None:
            return False
        monotonic, wall = pending.first_sent
        return max(now - monotonic, self._wall_clock() - wall) > CID_LIFE_SECONDS

    def _finish(self, pending: PendingCommand, outcome: "Frame | ClientError") -> None:
        self._in_flight.pop(pending.cid, None)
        queue = self._queues[pending.room]
        queue.remove(pending)
        if not queue:
            del self._queues[pending.room]
        pending.on_outcome(outcome)


def _is_soon_over(frame: Frame) -> bool:
    """Return whether what an error says may be waited for. A mute is a moderator's decision about the user."""
    code: str = frame["code"]
    retry_after_ms: int = frame.get("retry_after_ms", 0)
    return code != ErrorCode.MUTED and retry_after_ms <= MAX_SERVER_DELAY_SECONDS * 1000


def _refusal(frame: Frame) -> SendRefused:
    retry_after_ms = frame.get("retry_after_ms")
    return SendRefused(frame["code"], frame["message"], frame.get("field"), retry_after_ms=retry_after_ms)
