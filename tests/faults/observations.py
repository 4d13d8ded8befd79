"""What the clients of a fault run observed: the input of the checker. No sockets, no clocks."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

Position = tuple[str, int]
"""(epoch, seq)"""


@dataclass(frozen=True)
class Ack:
    """The server's confirmation that a message is stored. `received_at` is in seconds."""

    epoch: str
    seq: int
    received_at: float


@dataclass
class Send:
    """One send. Without an `ack` its outcome is unknown; if it was `rejected`, it is certainly not stored."""

    client: str
    user: str
    cid: str
    text: str
    sent_at: float
    ack: Ack | None = None
    rejected: bool = False


@dataclass(frozen=True)
class Event:
    """One event of the log, byte for byte, and its parsed fields."""

    raw: str
    epoch: str
    seq: int
    user: str
    cid: str
    text: str

    @classmethod
    def of(cls, raw: str) -> "Event":
        frame: dict[str, Any] = msgspec.json.decode(raw)
        return cls(raw, frame["epoch"], frame["seq"], frame["user"]["id"], frame["cid"], frame["text"])

    @property
    def position(self) -> Position:
        return self.epoch, self.seq


@dataclass
class Segment:
    """What followed one `joined` on one socket: until the next one, a `head` that reports a loss, or the socket's end.

    `complete`: the socket did not end before the replay did, so the replay must reach `head`.
    """

    client: str
    status: str
    epoch: str
    head: int
    oldest: int
    limit: int
    after: Position | None
    events: list[Event] = field(default_factory=list)
    complete: bool = False


@dataclass(frozen=True)
class SeenGap:
    """The client reported that events are missing here."""


View = list[Event | SeenGap]


@dataclass
class Observations:
    """`views`: what each client reported to its user, in order. `log`: the whole log after the run."""

    sends: list[Send] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    views: dict[str, View] = field(default_factory=dict)
    log: list[Event] = field(default_factory=list)
