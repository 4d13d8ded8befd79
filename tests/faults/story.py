"""What happened in a fault run, as its clients saw it: the checker's input. No sockets, no clocks."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

Place = tuple[str, int]
"""(epoch, seq)"""


@dataclass(frozen=True)
class Ack:
    """The server's word that a message is stored. `at`: when it was heard, seconds."""

    epoch: str
    seq: int
    at: float


@dataclass
class Said:
    """One send: invoked at `invoked` seconds; without an `ack` its outcome is unknown. `refused`: surely not stored."""

    client: str
    user: str
    cid: str
    text: str
    invoked: float
    ack: Ack | None = None
    refused: bool = False


@dataclass(frozen=True)
class Event:
    """One logged event, byte for byte, and what its bytes say."""

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
    def place(self) -> Place:
        return self.epoch, self.seq


@dataclass
class Run:
    """What followed one `joined` on one socket, up to the next one, a `head` that told of a loss, or the socket's end.

    `whole`: it was not cut, so the replay up to `head` must be there.
    """

    client: str
    status: str
    epoch: str
    head: int
    oldest: int
    limit: int
    after: Place | None
    events: list[Event] = field(default_factory=list)
    whole: bool = False


@dataclass(frozen=True)
class Missing:
    """A client was told that something is missing here."""


@dataclass
class Story:
    """`views`: what each client's user was told, in order. `history`: the log when all was over."""

    said: list[Said] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    views: dict[str, list[Event | Missing]] = field(default_factory=dict)
    history: list[Event] = field(default_factory=list)
