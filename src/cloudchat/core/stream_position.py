"""A reader's position in a room's log, and the two decisions that follow from it.

from msgspec import Struct

A seq is assigned once in a room, so an epoch is an interval of seqs. Still, a position of an earlier epoch is a gap: a
new epoch begins above the highest seq that is known, and events after that one may have been lost, too.

`continuity` decides whether a newly received event may be delivered. `plan_replay` decides where the replay of a join
starts. Two words have one meaning each everywhere: a *hole* is a run of missing events that the log still has and that
a read repairs; a *gap* is a run of events that will never come.
"""

from enum import Enum

from msgspec import Struct


class StreamPosition(Struct, frozen=True):
    """The last event that a reader has: its `seq`, 0 before the first event, in the numbering named `epoch`."""

    epoch: str
    seq: int


class Continuity(Enum):
    """How an event relates to a reader's position."""

    NEXT = "next"
    """It follows directly: deliver it."""
    DUPLICATE = "duplicate"
    """It was delivered before: drop it."""
    HOLE = "hole"
    """Events before it are missing, or the epoch has changed: read the log first."""


def continuity(at: StreamPosition, epoch: str, seq: int) -> Continuity:
    """Compare the event (`epoch`, `seq`) with the position `at`."""
    if epoch != at.epoch:
        return Continuity.HOLE
    if seq == at.seq + 1:
        return Continuity.NEXT
    return Continuity.DUPLICATE if seq <= at.seq else Continuity.HOLE


class JoinStatus(Enum):
    """What a join can promise its client: the `status` of `joined`."""

    FRESH = "fresh"
    """The client named no position: it gets the newest events."""
    RECOVERED = "recovered"
    """The replay holds every event after the client's position."""
    GAP = "gap"
    """Events after the client's position are lost: it gets the newest events."""


def plan_replay(after: StreamPosition | None, head: StreamPosition, oldest: int, limit: int) -> tuple[JoinStatus, int]:
    """Return the status of a join and the seq after which its replay starts.

    `after` is the client's position, None when it has none; `head` is the log's newest event; `oldest` is the seq of
    its oldest event (`head.seq + 1` when it is empty).

    There is no partial replay. It is a gap when `after` is in another epoch, before the log's oldest event, or ahead of
    the log (the store lost events that the client has); then the client gets the last `limit` events.
    """
    if after is not None and after.epoch == head.epoch and oldest - 1 <= after.seq <= head.seq:
        return JoinStatus.RECOVERED, after.seq
    start = max(oldest - 1, head.seq - limit, 0)
    return (JoinStatus.FRESH if after is None else JoinStatus.GAP), start
