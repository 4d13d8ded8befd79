"""The room under load: which messages all members have received, and which members send and are sampled.

A send is *in flight* until every member has received it, for both servers alike. Members differ only in how many
messages they have received, so the number of complete sends is the smallest of those counts. A tally by count finds
that minimum in O(1) per read instead of looking at 500 members.
"""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class DeliveredTwice(RuntimeError):
    """A member received more messages than were sent."""


class RoomProgress:
    """Count sends and deliveries. `complete`: the number of sends that every member has received."""

    def __init__(self, members: int) -> None:
        self.sent = 0
        self.complete = 0
        self.deliveries = 0
        self._members_at = [members]  # _members_at[n]: how many members have received exactly n messages

    def send(self) -> int:
        """Count one more send; return its number, from 0."""
        number = self.sent
        self.sent = number + 1
        self._members_at.append(0)
        return number

    def deliver(self, before: int, messages: int) -> bool:
        """Count messages for a member that had `before`; return whether a send became complete by them."""
        after = before + messages
        if after > self.sent:
            raise DeliveredTwice(f"a member received {after} messages, but only {self.sent} were sent")
        members_at = self._members_at
        members_at[before] -= 1
        members_at[after] += 1
        self.deliveries += messages
        if before != self.complete or members_at[before]:
            return False
        complete = before
        while complete < self.sent and members_at[complete] == 0:
            complete += 1
        self.complete = complete
        return True

    @property
    def in_flight(self) -> int:
        return self.sent - self.complete


def spread(members: Sequence[T], count: int) -> list[T]:
    """Return `count` members at equal distances, including the first and the last.

    The order of joining is the order of the fan-out, so samples must be spread over it.
    """
    last = len(members) - 1
    return [members[round(i * last / max(1, count - 1))] for i in range(min(count, len(members)))]


def spread_inner(members: Sequence[T], count: int) -> list[T]:
    """Return the middle members of `count` equal parts; for 1 the member in the middle."""
    return [members[(2 * i + 1) * len(members) // (2 * count)] for i in range(count)]
