"""The client's half of cloudchat.v1 as one object that decides and does no I/O: frames in, commands and news out."""

import itertools
import json
import random
from collections.abc import Callable

from cloudchat.client.close_rules import Reaction, after_close
from cloudchat.client.outbox import Outbox, PendingSend
from cloudchat.client.room_follower import RoomFollower, State
from cloudchat.client.updates import Connected, EphemeralEvent, Frame, Reply, Update
from cloudchat.core.stream_position import StreamPosition

WELCOME_SECONDS = 15.0


class ChatProtocol:
    """Feed it what happens (`opened`, `received`, `closed`, and `tick` when `next_tick` says so), then take from it.

    `take_commands` is what to send, `take_updates` is what to tell the user; both in order. Times are seconds of a
    monotonic clock.
    """

    def __init__(self, rand: Callable[[], float] = random.random) -> None:
        self.rooms: dict[str, RoomFollower] = {}
        self.outbox = Outbox(rand)
        self.welcomed = False
        self.token_expiring = False
        """The server wants a fresh token in-band (`auth`); whoever sees to it sets this to False."""
        self.drain_seconds: float | None = None
        self._commands: list[Frame] = []
        self._updates: list[Update] = []
        self._silence = WELCOME_SECONDS
        self._heard_at = 0.0
        self._paused = False
        self._ids = itertools.count(1)

    # -- what happens on the socket -----------------------------------------------------------------------------------

    def opened(self, now: float) -> None:
        """The socket is open; `welcome` should follow."""
        self._heard_at, self._silence = now, WELCOME_SECONDS
        self.drain_seconds, self.token_expiring = None, False

    def received(self, text: str, now: float) -> None:
        """A text frame has come. What is no JSON object with a type breaks the connection: raises ValueError."""
        frame = json.loads(text)
        if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
            raise ValueError("a frame that is no JSON object with a type")  # noqa: TRY004 (one error for the caller)
        self._heard_at = now
        match frame["type"]:
            case "welcome":
                self._welcome(frame, now)
            case "drain":
                self.drain_seconds = frame["reconnect_after_ms"] / 1000
            case "token_expiring":
                self.token_expiring = True
            case "ack" | "error" | "joined":
                self._reply(frame, text, now)
            case "left" | "history" | "present" | "authenticated" | "pong":
                self._updates.append(Reply(frame))
            case "head":
                self._to_room(frame, text, now)
            case _ if "seq" in frame and "epoch" in frame:
                self._to_room(frame, text, now)
            case _:
                self._updates.append(EphemeralEvent(frame))

    def closed(self, code: int | None) -> Reaction:
        """The socket is gone. Returns what to do next."""
        self.welcomed = False
        self._commands.clear()
        self.outbox.disconnected()
        for follower in self.rooms.values():
            follower.disconnected()
        return after_close(code)

    # -- what the user wants ------------------------------------------------------------------------------------------

    def follow(self, room: str, now: float, *, after: StreamPosition | None = None, limit: int = 50) -> None:
        """Join a room now and after each reconnect, from `after` on or from the last `limit` events."""
        if room not in self.rooms:
            self.rooms[room] = RoomFollower(room, self._ids, limit=limit, after=after)
            if self.welcomed and not self._paused:
                self.rooms[room].join(now)

    def unfollow(self, room: str) -> None:
        """Leave a room, and forget the position."""
        follower = self.rooms.pop(room, None)
        if follower is not None:
            follower.leave()
            self._commands += follower.commands if self.welcomed else []

    def write(self, letter: PendingSend) -> None:
        """Send a message until it is answered. Raises `OutboxFull`."""
        self.outbox.add(letter)

    def ask(self, command: Frame) -> None:
        """Send one command on this connection only; without one it goes nowhere."""
        if self.welcomed:
            self._commands.append(command)

    def pause(self) -> None:
        """Take no more events for now: the user is behind. The log keeps them, so no buffer here has to."""
        if not self._paused:
            self._paused = True
            for follower in self.rooms.values():
                follower.leave()
                self._commands += follower.commands if self.welcomed else []
                follower.commands.clear()

    def resume(self, now: float) -> None:
        """Go on from where `pause` stopped."""
        if self._paused:
            self._paused = False
            self._join_all(now)

    # -- what to do ---------------------------------------------------------------------------------------------------

    @property
    def silent_at(self) -> float:
        """When the server, if nothing comes until then, must be gone."""
        return self._heard_at + self._silence

    def tick(self, now: float) -> bool:
        """Do what is due. Returns False when the server has been silent for so long that it must be gone."""
        if now > self.silent_at:
            return False
        if not self.welcomed:
            return True
        for follower in self.rooms.values():
            if follower.join_at is not None and follower.join_at <= now:
                follower.join(now)
            elif follower.state is State.LIVE and now - follower.heard_at > self._silence:
                follower.join(now)  # the room is silent on a socket that is not: its `head` no longer comes to us
            elif follower.state is State.JOINING and now - follower.heard_at > self._silence:
                return False
        return True

    def next_tick(self, now: float) -> float:
        """When `tick` should be called at the latest."""
        times = [self.silent_at, now + 1.0]
        times += [follower.join_at for follower in self.rooms.values() if follower.join_at is not None]
        due = self.outbox.next_due()
        return min(times if due is None else [*times, due])

    def take_commands(self, now: float) -> list[str]:
        """The frames to send now, in order. Joins before messages: so that one's own are seen live."""
        if not self.welcomed:
            return []
        commands, self._commands = self._commands, []
        for follower in self.rooms.values():
            commands += follower.commands
            follower.commands.clear()
        commands += self.outbox.due(now)
        return [json.dumps(command, ensure_ascii=False, separators=(",", ":")) for command in commands]

    def take_updates(self) -> list[Update]:
        """What to tell the user, in order."""
        updates, self._updates = self._updates, []
        return updates

    # -- inside -------------------------------------------------------------------------------------------------------

    def _welcome(self, frame: Frame, now: float) -> None:
        self.welcomed = True
        self._silence = 2.0 * frame["heartbeat_seconds"]
        self.outbox.connected()
        self._updates.append(Connected(frame))
        if not self._paused:
            self._join_all(now)

    def _join_all(self, now: float) -> None:
        if self.welcomed:
            for follower in self.rooms.values():
                if follower.state is State.AWAY:
                    follower.join(now)

    def _reply(self, frame: Frame, text: str, now: float) -> None:
        if frame["type"] != "joined" and self.outbox.answered(frame, now):
            return
        for follower in self.rooms.values():
            if follower.is_reply(frame.get("id")):
                self._updates += follower.received(frame, text, now)
                return
        self._updates.append(Reply(frame))

    def _to_room(self, frame: Frame, text: str, now: float) -> None:
        follower = self.rooms.get(frame["room"])
        if follower is not None:
            self._updates += follower.received(frame, text, now)
