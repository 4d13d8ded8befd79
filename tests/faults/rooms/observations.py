"""What the users of a run in rooms did and received: the input of the checkers. No sockets, no clocks.

All times are seconds since 1970 of one machine, so that they compare with the `at` of events.
"""

import math
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import msgspec

Frame = dict[str, Any]
LOGGED = frozenset({"message", "edited", "deleted", "reaction", "notice"})


@dataclass
class Call:
    """One command on a socket. Without a `reply` its outcome is unknown."""

    user: str
    socket: int
    frame: Frame
    sent_at: float
    reply: Frame | None = None
    replied_at: float = math.inf

    @property
    def room(self) -> str:
        room: str = self.frame["room"]
        return room

    @property
    def is_stored(self) -> bool:
        """Whether the reply says that this command, and no earlier one, appended an event."""
        return self._is_acknowledged(duplicate=False)

    @property
    def is_duplicate(self) -> bool:
        return self._is_acknowledged(duplicate=True)

    def _is_acknowledged(self, *, duplicate: bool) -> bool:
        reply = self.reply
        return "cid" in self.frame and reply is not None and reply["type"] == "ack" and reply["duplicate"] == duplicate

    @property
    def error(self) -> str | None:
        """The code of the error, if the command was refused for sure."""
        if self.reply is None or self.reply["type"] != "error" or self.reply["retryable"]:
            return None
        code: str = self.reply["code"]
        return code


@dataclass
class Change:
    """One change of a room over HTTP. `status` is None when there was no response."""

    caller: str
    action: str
    room: str
    target: str
    sent_at: float
    status: int | None = None
    answered_at: float = math.inf

    @property
    def may_have_happened(self) -> bool:
        return self.status is None or self.status < 300 or self.status >= 500


@dataclass(frozen=True)
class Received:
    """A frame that a socket received, byte for byte."""

    at: float
    raw: str

    @cached_property
    def frame(self) -> Frame:
        frame: Frame = msgspec.json.decode(self.raw)
        return frame


@dataclass
class SocketRecord:
    """Everything that one socket received, in order, and the joins that it sent, by their id."""

    user: str
    received: list[Received] = field(default_factory=list)
    joins: dict[str, Frame] = field(default_factory=dict)
    ended: bool = False

    @property
    def rooms(self) -> dict[str, str]:
        """The rooms that the user is in and the user's roles, as this socket was told last."""
        rooms: dict[str, str] = {}
        for item in self.received:
            frame = item.frame
            match frame["type"]:
                case "welcome":
                    rooms = {room["id"]: room["role"] for room in frame["rooms"]}
                case "room_added" | "room_changed":
                    rooms[frame["room"]["id"]] = frame["room"]["role"]
                case "room_removed":
                    rooms.pop(frame["room"], None)
        return rooms


@dataclass
class RoomLog:
    """The whole log of a room after the run, and its history: the rows in their current form."""

    kind: str
    raw: list[str]
    rows: list[Frame]
    members: dict[str, str]
    """The roles in SQL, by user id."""

    @cached_property
    def events(self) -> list[Frame]:
        return [msgspec.json.decode(raw) for raw in self.raw]

    def event(self, seq: int) -> Frame | None:
        return self.events[seq - 1] if 0 < seq <= len(self.events) else None


@dataclass
class Segment:
    """What followed one `joined` on one socket, up to the next `joined`, `left` or `room_removed` of the room."""

    socket: int
    user: str
    room: str
    joined: Frame
    joined_at: float
    after: int | None
    limit: int
    events: list[Received] = field(default_factory=list)
    is_last: bool = True
    """Whether the socket was open and in the room at the end of the run."""

    @property
    def last_seq(self) -> int:
        """The highest seq that the socket learned of."""
        last: int = max([self.joined["seq"], *(item.frame["seq"] for item in self.events)])
        return last


@dataclass
class RoomRun:
    """One run. `outages`: when processes were killed, and ready again. `names`: of the users, by id."""

    calls: list[Call] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    sockets: list[SocketRecord] = field(default_factory=list)
    logs: dict[str, RoomLog] = field(default_factory=dict)
    outages: list[tuple[float, float]] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)

    def acknowledged_at(self) -> dict[tuple[str, int], float]:
        """Return when the command of each event was acknowledged, by room and seq."""
        return {
            (call.room, call.reply["seq"]): call.replied_at
            for call in self.calls
            if call.reply is not None and call.is_stored
        }

    def had_outage(self, start: float, end: float) -> bool:
        return any(begin <= end and start <= over for begin, over in self.outages)

    @cached_property
    def segments(self) -> list[Segment]:
        return [
            segment
            for number, record in enumerate(self.sockets)
            for room in self.logs
            for segment in _segments(number, record, room)
        ]


def _segments(number: int, record: SocketRecord, room: str) -> list[Segment]:
    segments: list[Segment] = []
    current: Segment | None = None
    for item in record.received:
        frame = item.frame
        if frame.get("room") != room:
            continue
        if frame["type"] in ("joined", "left", "room_removed") and current is not None:
            current.is_last, current = False, None
        if frame["type"] == "joined":
            join = record.joins[frame["id"]]
            after = join["after"]["seq"] if "after" in join else None
            current = Segment(number, record.user, room, frame, item.at, after, join["limit"])
            segments.append(current)
        elif frame["type"] in LOGGED and current is not None:
            current.events.append(item)
    if current is not None:
        current.is_last = not record.ended
    return segments


def instant(event: Frame) -> float:
    """Return the `at` of an event."""
    return datetime.fromisoformat(event["at"]).timestamp()
