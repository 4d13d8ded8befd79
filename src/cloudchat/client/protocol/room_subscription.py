"""One room, received without a hole: what each frame means at the current position. Sans-I/O.

Everything that shows a missed event (a hole in the seqs, another epoch, a `head` ahead of the position) is handled
in one way: join again with the position. Frames that arrive between that `join` and its `joined` are ignored, because
it is not known whether they were sent before or after the hole; the replay repeats them.
"""

from collections.abc import Iterator
from enum import Enum

from cloudchat.client.protocol.room_events import Frame, room_event
from cloudchat.client.protocol.updates import Gap, Joined, JoinRefused, Update
from cloudchat.core.stream_position import StreamPosition


class State(Enum):
    """The state of a subscription."""

    IDLE = "idle"
    """Not joined on this connection."""
    WAITING = "waiting"
    """A `join` is to be sent: `take_join` returns it."""
    JOINING = "joining"
    """`join` was sent, and its reply has not arrived."""
    LIVE = "live"
    REFUSED = "refused"
    """The server refused the join permanently, or the user is not a member any more."""


class RoomSubscription:
    """Times are seconds of a monotonic clock.

    `ids` numbers the joins of all rooms, so that a late reply to an earlier subscription of the same room is not
    mistaken for the reply to this one.
    """

    def __init__(self, room: str, ids: Iterator[int], *, limit: int = 50, after: StreamPosition | None = None) -> None:
        self.room = room
        self.position = after
        self.state = State.IDLE
        self.last_frame_at = 0.0
        """When the last frame of the room arrived. A room can be silent while its connection is not."""
        self.join_at = 0.0
        """In the state WAITING: when the `join` may be sent. It is later than now after a temporary error."""
        self._limit = limit
        self._ids = ids
        self._join_id: str | None = None
        self._is_delivered = False
        """Whether the server delivers the room's events, or will: a `join` was sent, and was not refused."""
        self._replay_end = 0

    def join(self, now: float) -> None:
        """Ask for the room's events, after the position if there is one."""
        self.state, self.join_at = State.WAITING, now

    def take_join(self, now: float) -> Frame:
        """Return the `join` to send now."""
        self._join_id = f"j{next(self._ids)}"
        self.state, self.last_frame_at, self._is_delivered = State.JOINING, now, True
        command: Frame = {"type": "join", "id": self._join_id, "room": self.room, "limit": self._limit}
        if self.position is not None:
            command["after"] = {"epoch": self.position.epoch, "seq": self.position.seq}
        return command

    def leave(self) -> Frame | None:
        """Stop receiving events. Return the command to send, if any. The position stays: `join` continues from it."""
        was_delivered = self._is_delivered
        self.disconnected()
        return {"type": "leave", "room": self.room} if was_delivered else None

    def disconnected(self) -> None:
        """Record the end of the connection."""
        self._is_delivered = False
        if self.state is not State.REFUSED:
            self.state = State.IDLE

    def refused(self) -> None:
        """Record that the user may not be in the room: there is no join until `allowed`."""
        self.state, self._is_delivered = State.REFUSED, False

    def allowed(self) -> None:
        """Record that the user is a member of the room. A subscription that was refused can join again."""
        if self.state is State.REFUSED:
            self.state = State.IDLE

    def receive(self, frame: Frame, text: str, now: float) -> list[Update]:
        """Handle an event of the room's log, a `head` of the room, or a reply to `join`. Return the updates."""
        if self.state not in (State.JOINING, State.LIVE):
            return []
        self.last_frame_at = now
        if self.state is State.JOINING:
            if frame.get("id") != self._join_id:
                return []  # sent before `joined`, or the reply to an earlier join
            return self._join_refused(frame, now) if frame["type"] == "error" else self._joined(frame)
        at = self.position
        assert at is not None  # noqa: S101 (`_joined` set it)
        if frame["type"] == "head":
            if frame["epoch"] != at.epoch or frame["seq"] > at.seq:
                self.join(now)
            return []
        return [] if frame["type"] in ("joined", "error") else self._event(at, frame, text, now)

    def is_join_reply(self, id: object) -> bool:
        """Return whether a reply with this id belongs to the last `join`."""
        return id is not None and id == self._join_id

    def _joined(self, joined: Frame) -> list[Update]:
        last = self.position
        status, epoch, head = joined["status"], joined["epoch"], joined["seq"]
        if status != "recovered" or last is None:
            # The replay is "the last `limit` events", so its first seq is known before it arrives. If the connection
            # ends before that event, the next join resumes there.
            self.position = StreamPosition(epoch, max(joined["oldest"] - 1, head - self._limit, 0))
        self.state, self._replay_end = State.LIVE, head
        gap: list[Update] = [Gap(self.room, last, joined["oldest"])] if status == "gap" else []
        return [*gap, Joined(self.room, status, StreamPosition(epoch, head))]

    def _join_refused(self, error: Frame, now: float) -> list[Update]:
        self._is_delivered = False
        if error["retryable"]:
            self.join(now + error.get("retry_after_ms", 1000) / 1000)
            return []
        self.refused()
        return [JoinRefused(self.room, error["code"], error["message"])]

    def _event(self, at: StreamPosition, frame: Frame, text: str, now: float) -> list[Update]:
        seq = frame["seq"]
        is_replay = at.seq < seq <= self._replay_end
        # A replayed event may come from before the current epoch began. A live event must be of the current epoch: its
        # seq does not tell, because a new numbering can begin below the end of the replay.
        if frame["epoch"] != at.epoch and not is_replay:
            self.join(now)
        elif seq == at.seq + 1:
            self.position = StreamPosition(at.epoch, seq)
            return [room_event(frame, text)]
        elif seq > at.seq:
            self.join(now)
        return []
