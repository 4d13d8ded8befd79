"""One room, followed without a hole: what each frame means to somebody at a position. Sans-I/O.

Whatever shows that something was missed (a hole in the seqs, another epoch, a `head` ahead of us) is answered in one
way: join again with the last position. Frames between that question and its `joined` belong to either side and are
ignored; the replay brings what they said.
"""

from collections.abc import Iterator
from enum import Enum

from cloudchat.client.updates import Frame, Gap, Joined, JoinRefused, RoomEvent, Update
from cloudchat.core.stream_position import StreamPosition


class State(Enum):
    """Where a follower stands."""

    AWAY = "away"
    JOINING = "joining"
    LIVE = "live"
    REFUSED = "refused"


class RoomFollower:
    """Times are seconds of a monotonic clock. `commands` collects what is to be sent; who sends it empties it.

    `ids` numbers the joins of all rooms: a late answer may be to the follower that had this room before.
    """

    def __init__(self, room: str, ids: Iterator[int], *, limit: int = 50, after: StreamPosition | None = None) -> None:
        self.room = room
        self.position = after
        self.state = State.AWAY
        self.commands: list[Frame] = []
        self.heard_at = 0.0
        """When the room last said anything: a room may be silent on a socket that is not."""
        self.join_at: float | None = None
        """When to ask again, after a refusal that may pass."""
        self._limit = limit
        self._ids = ids
        self._id: str | None = None
        self._replay_ends = 0

    def join(self, now: float) -> None:
        """Ask for the room's events, from the position on if there is one."""
        self._id = f"j{next(self._ids)}"
        self.state, self.heard_at, self.join_at = State.JOINING, now, None
        command: Frame = {"type": "join", "id": self._id, "room": self.room, "limit": self._limit}
        if self.position is not None:
            command["after"] = {"epoch": self.position.epoch, "seq": self.position.seq}
        self.commands.append(command)

    def leave(self) -> None:
        """Stop hearing, and keep the position: `join` goes on from it."""
        entered = self.state in (State.JOINING, State.LIVE)
        self.disconnected()
        if entered:
            self.commands.append({"type": "leave", "room": self.room})

    def disconnected(self) -> None:
        """The socket is gone."""
        if self.state is not State.REFUSED:
            self.state = State.AWAY
        self.commands.clear()
        self.join_at = None

    def received(self, frame: Frame, text: str, now: float) -> list[Update]:
        """A logged event or `head` of this room, or a reply to our `join`. Returns what it tells the user."""
        if self.state in (State.AWAY, State.REFUSED):
            return []
        self.heard_at = now
        if self.state is State.JOINING:
            if frame.get("id") != self._id:
                return []  # what comes before `joined`, or the reply to an earlier question
            return self._refused(frame, now) if frame["type"] == "error" else self._begin(frame)
        at = self.position
        assert at is not None  # noqa: S101 (whoever is live has one)
        if frame["type"] == "head":
            if frame["epoch"] != at.epoch or frame["seq"] > at.seq:
                self.join(now)
            return []
        return [] if frame["type"] in ("joined", "error") else self._event(at, frame, text, now)

    def is_reply(self, id: object) -> bool:
        """Whether a reply's id belongs to our last `join`."""
        return id is not None and id == self._id

    def _begin(self, joined: Frame) -> list[Update]:
        last = self.position
        status, epoch, head = joined["status"], joined["epoch"], joined["seq"]
        if status != "recovered" or last is None:
            # "The last `limit` events": so we know which one comes first, and a connection that ends before it does
            # resumes there.
            self.position = StreamPosition(epoch, max(joined["oldest"] - 1, head - self._limit, 0))
        self.state, self._replay_ends = State.LIVE, head
        news: list[Update] = [Gap(self.room, last, joined["oldest"])] if status == "gap" else []
        return [*news, Joined(self.room, status, StreamPosition(epoch, head))]

    def _refused(self, error: Frame, now: float) -> list[Update]:
        if error["retryable"]:
            self.join_at = now + error.get("retry_after_ms", 1000) / 1000
            return []
        self.state = State.REFUSED
        return [JoinRefused(self.room, error["code"], error["message"])]

    def _event(self, at: StreamPosition, frame: Frame, text: str, now: float) -> list[Update]:
        seq = frame["seq"]
        # What is replayed may be older than the epoch that the numbering has now; what is live may not.
        if frame["epoch"] != at.epoch and seq > self._replay_ends:
            self.join(now)
        elif seq == at.seq + 1:
            self.position = StreamPosition(at.epoch, seq)
            return [RoomEvent(self.room, seq, frame, text)]
        elif seq > at.seq:
            self.join(now)
        return []
