"""What was written and is not yet acknowledged. Sans-I/O.

Each message keeps its cid until the server has answered for it: after a lost connection, an error that passes, or a
silence, it goes out again, and the server counts it once. One at a time for each room, so that a message that had to
be repeated is never overtaken by a later one of the same author.
"""

import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from cloudchat.client.errors import ClientError, OutboxFull, OutcomeUnknown, SendRefused
from cloudchat.client.updates import Frame

CAPACITY = 1000
CID_LIFE_SECONDS = 23 * 3600.0
"""The server remembers a cid for 24 h. Later, repeating could double what did arrive."""
ANSWER_SECONDS = 10.0
"""A server that answers at all answers within seconds; repeating is safe."""
RETRY_BOUND_SECONDS = 0.5, 10.0


@dataclass(eq=False, slots=True)
class PendingSend:
    """One message on its way. `settled` is called once, with the `ack` frame or the reason why there is none."""

    room: str
    cid: str
    command: Frame
    settled: Callable[["Frame | ClientError"], None]
    first_tried: tuple[float, float] | None = None
    """By the monotonic clock and by the one on the wall: the first stands still while the machine sleeps, the other may
    be set back."""
    due: float = 0.0
    """When it may go out (again)."""
    attempts: int = 0


class Outbox:
    """Times are seconds of a monotonic clock. Give what `due` returns to the socket, and every reply to `answered`."""

    def __init__(
        self,
        rand: Callable[[], float] = random.random,
        capacity: int = CAPACITY,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._queues: dict[str, deque[PendingSend]] = {}
        self._under_way: dict[str, PendingSend] = {}
        self._rand = rand
        self._capacity = capacity
        self._wall = wall
        self._online = False

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def add(self, letter: PendingSend) -> None:
        """Queue a message. Raises `OutboxFull`."""
        if len(self) >= self._capacity:
            raise OutboxFull(f"{self._capacity} messages wait for the server")
        self._queues.setdefault(letter.room, deque()).append(letter)

    def connected(self) -> None:
        """A new socket: whatever was under way on the old one goes out again at once."""
        self._online = True
        self._under_way.clear()
        for queue in self._queues.values():
            queue[0].due = 0.0

    def disconnected(self) -> None:
        """Nothing can go out now; what was under way has an unknown outcome, which its cid makes harmless."""
        self._online = False

    def due(self, now: float) -> list[Frame]:
        """The commands to send now: the first of each room, if it is its time."""
        if not self._online:
            return []
        commands = []
        for queue in list(self._queues.values()):
            while queue and self._too_old(queue[0], now):
                self._settle(queue[0], OutcomeUnknown("it is not known whether the server stored it"))
            if queue and queue[0].due <= now:
                letter = queue[0]
                letter.first_tried = letter.first_tried or (now, self._wall())
                letter.due = now + ANSWER_SECONDS
                self._under_way[letter.cid] = letter
                commands.append(letter.command)
        return commands

    def next_due(self) -> float | None:
        """When `due` has something to do again, or None."""
        return min((queue[0].due for queue in self._queues.values()), default=None) if self._online else None

    def answered(self, frame: Frame, now: float) -> bool:
        """An `ack` or `error`. Returns whether it was about one of ours."""
        letter = self._under_way.get(frame.get("cid") or frame.get("id") or "")
        if letter is None:
            return False
        if frame["type"] == "ack":
            self._settle(letter, frame)
        elif frame["retryable"]:
            first, last = RETRY_BOUND_SECONDS
            pause = frame.get("retry_after_ms", 0) / 1000
            letter.due = now + pause + self._rand() * min(last, first * 2.0 ** min(letter.attempts, 10))
            letter.attempts += 1
        else:
            self._settle(letter, SendRefused(frame["code"], frame["message"], frame.get("field")))
        return True

    def abandon(self, why: ClientError) -> None:
        """Settle everything: the client ends."""
        for queue in list(self._queues.values()):
            for letter in list(queue):
                self._settle(letter, why)

    def _too_old(self, letter: PendingSend, now: float) -> bool:
        if letter.first_tried is None:
            return False
        monotonic, wall = letter.first_tried
        return max(now - monotonic, self._wall() - wall) > CID_LIFE_SECONDS

    def _settle(self, letter: PendingSend, outcome: "Frame | ClientError") -> None:
        self._under_way.pop(letter.cid, None)
        queue = self._queues[letter.room]
        queue.remove(letter)
        if not queue:
            del self._queues[letter.room]
        letter.settled(outcome)
