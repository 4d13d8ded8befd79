"""Where a reader stands in a room's log, and what a newly heard event means to it."""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class StreamPosition:
    """The last event a reader has (`seq`, 0 before the first) in the numbering `epoch`."""

    epoch: str
    seq: int


class Step(Enum):
    """What an event is to a reader at a position."""

    NEXT = "next"
    KNOWN = "known"
    HOLE = "hole"


def step(at: StreamPosition, epoch: str, seq: int) -> Step:
    """`NEXT` may be delivered; `KNOWN` was; at a `HOLE` (or another epoch) the log must be read first."""
    if epoch != at.epoch:
        return Step.HOLE
    if seq == at.seq + 1:
        return Step.NEXT
    return Step.KNOWN if seq <= at.seq else Step.HOLE


class Resumption(Enum):
    """How a join begins: the `status` of `joined`."""

    FRESH = "fresh"
    RECOVERED = "recovered"
    GAP = "gap"


def resume(after: StreamPosition | None, head: StreamPosition, oldest: int, limit: int) -> tuple[Resumption, int]:
    """How a client that has `after` joins a room that stands at `head` and keeps events from `oldest` on.

    Returns the status and the seq after which the replay begins. A replay is whole or it is a gap: a client from
    another epoch, from before `oldest`, or from the future (the store lost what it saw) gets the last `limit` events.
    """
    if after is not None and after.epoch == head.epoch and oldest - 1 <= after.seq <= head.seq:
        return Resumption.RECOVERED, after.seq
    start = max(oldest - 1, head.seq - limit, 0)
    return (Resumption.FRESH if after is None else Resumption.GAP), start
