"""The client side of cloudchat.v1. Sans-I/O: frames go in, commands and updates come out."""

import json
import random
from collections.abc import Callable

import msgspec

from cloudchat.client.protocol.outbox import Outbox, PendingCommand
from cloudchat.client.protocol.read_markers import ReadMarkers
from cloudchat.client.protocol.reconnect_policy import recovery_after_close
from cloudchat.client.protocol.room_events import Frame, User
from cloudchat.client.protocol.subscriptions import Subscriptions
from cloudchat.client.protocol.updates import (
    ReadElsewhere,
    Reply,
    Room,
    RoomAdded,
    RoomChanged,
    RoomRemoved,
    Update,
    connected,
    ephemeral_event,
)
from cloudchat.core.reconnect_window import MIN_WINDOW_MS
from cloudchat.core.stream_position import StreamPosition
from cloudchat.protocol.close_codes import Recovery

WELCOME_SECONDS = 15.0


class ChatProtocol:
    """The state of a client across all its connections. Times are seconds of a monotonic clock.

    Call `connection_opened`, `frame_received` and `connection_closed` as they happen, and `tick` when `next_tick` says
    so. After each call, send what `take_commands` returns and report what `take_updates` returns, both in order.
    """

    def __init__(self, rand: Callable[[], float] = random.random) -> None:
        self.subscriptions = Subscriptions()
        self.outbox = Outbox(rand)
        self.read_markers = ReadMarkers()
        self.user: User | None = None
        """The user, from the last `welcome`."""
        self.rooms: dict[str, Room] = {}
        """The rooms of the user, as far as the server has told."""
        self.welcomed = False
        """Whether `welcome` has arrived on this connection."""
        self.token_expiring = False
        """Whether the server wants a fresh token (`auth`). The owner resets it when it has sent one."""
        self.drain_seconds: float | None = None
        self.reconnect_within_seconds = MIN_WINDOW_MS / 1000
        """Within what time the clients of this server reconnect, from `welcome`."""
        self._commands: list[Frame] = []
        self._updates: list[Update] = []
        self._max_silence_seconds = WELCOME_SECONDS
        self._last_frame_at = 0.0

    # -- the connection -----------------------------------------------------------------------------------------------

    def connection_opened(self, now: float) -> None:
        """Record a new connection. The server must send `welcome` next."""
        self._last_frame_at, self._max_silence_seconds = now, WELCOME_SECONDS
        self.drain_seconds, self.token_expiring = None, False

    def frame_received(self, text: str, now: float) -> None:
        """Handle a text frame. Raises ValueError if it is not a JSON object with a type: close the connection then."""
        frame = json.loads(text)
        if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
            raise ValueError("a frame that is not a JSON object with a type")  # noqa: TRY004 (one error for the caller)
        self._last_frame_at = now
        match frame["type"]:
            case "welcome":
                self._welcome(frame, now)
            case "drain":
                self.drain_seconds = frame["reconnect_after_ms"] / 1000
            case "token_expiring":
                self.token_expiring = True
            case "ack" | "error" | "joined":
                self._reply(frame, text, now)
            case "left" | "history" | "unread" | "present" | "authenticated" | "pong":
                self._updates.append(Reply(frame))
            case "head":
                self._updates += self.subscriptions.receive(frame, text, now)
            case _ if "seq" in frame and "epoch" in frame:
                self._updates += self.subscriptions.receive(frame, text, now)
            case _:
                self._ephemeral(frame, now)

    def connection_closed(self, code: int | None) -> Recovery:
        """Record the end of the connection. Return what to do next."""
        self.welcomed = False
        self._commands.clear()
        self.outbox.disconnected()
        self.subscriptions.disconnected()
        return recovery_after_close(code)

    # -- the user's actions -------------------------------------------------------------------------------------------

    def subscribe(self, room: str, now: float, *, after: StreamPosition | None = None, limit: int = 50) -> None:
        """Join a room now and after each reconnect, after the position `after` or with the last `limit` events."""
        self.subscriptions.subscribe(room, now, after=after, limit=limit)

    def subscribe_all(self, now: float, *, limit: int = 50) -> None:
        """Join all rooms of the user, also those that they become a member of later."""
        self.subscriptions.subscribe_all(self.rooms, now, limit=limit)

    def unsubscribe(self, room: str) -> None:
        """Leave a room and drop its position."""
        self._commands += self.subscriptions.unsubscribe(room)

    def send(self, pending: PendingCommand) -> None:
        """Send a command that makes a logged event, and repeat it until it is answered. Raises `OutboxFull`."""
        self.outbox.add(pending)

    def read(self, room: str, seq: int) -> None:
        """Record that the user has read a room up to `seq`, and repeat it until the server has saved it."""
        self.read_markers.read(room, seq)
        self._read_up_to(room, seq)

    def request(self, command: Frame) -> None:
        """Send a command once, on this connection only. Without a connection it is dropped."""
        if self.welcomed:
            self._commands.append(command)

    def pause(self) -> None:
        """Leave all rooms because the user reads too slowly. The events wait in the server's log."""
        self._commands += self.subscriptions.pause()

    def resume(self, now: float) -> None:
        """Join all rooms again, from the positions at which `pause` left them."""
        self.subscriptions.resume(now)

    # -- what to do next ----------------------------------------------------------------------------------------------

    @property
    def silence_deadline(self) -> float:
        """The time at which the connection counts as lost if no frame arrives before."""
        return self._last_frame_at + self._max_silence_seconds

    def tick(self, now: float) -> bool:
        """Do all due work. Return False when the server was silent for too long: the connection is lost."""
        if now > self.silence_deadline:
            return False
        return not self.welcomed or self.subscriptions.tick(now, self._max_silence_seconds)

    def next_tick(self, now: float) -> float:
        """Return the latest time for the next `tick`."""
        times = [self.silence_deadline, now + 1.0]
        if self.welcomed:
            due = (self.subscriptions.next_due(), self.outbox.next_due(), self.read_markers.next_due())
            times += [time for time in due if time is not None]
        return min(times)

    def take_commands(self, now: float) -> list[str]:
        """Return the frames to send now, in order. Joins come first, so that the user sees their own messages."""
        if not self.welcomed:
            return []
        commands, self._commands = self._commands, []
        commands += self.subscriptions.take_due(now)
        commands += self.outbox.take_due(now)
        commands += self.read_markers.take_due(now)
        return [json.dumps(command, ensure_ascii=False, separators=(",", ":")) for command in commands]

    def take_updates(self) -> list[Update]:
        """Return the updates for the user, in order."""
        updates, self._updates = self._updates, []
        return updates

    # -- internal -----------------------------------------------------------------------------------------------------

    def _welcome(self, frame: Frame, now: float) -> None:
        self.welcomed = True
        self._max_silence_seconds = 2.0 * frame["heartbeat_seconds"]
        self.reconnect_within_seconds = frame.get("reconnect_within_ms", MIN_WINDOW_MS) / 1000
        self.outbox.connected()
        self.read_markers.connected()
        self.subscriptions.connected()
        update = connected(frame)
        self._updates.append(update)
        self.user = update.user
        known, self.rooms = self.rooms, {room.id: room for room in update.rooms}
        for room in known.keys() - self.rooms.keys():
            self.subscriptions.room_removed(room)
        for room in self.rooms:
            self.subscriptions.room_added(room)
        self.subscriptions.join_all(now)

    def _ephemeral(self, frame: Frame, now: float) -> None:
        update = ephemeral_event(frame)
        match update:
            case RoomAdded(room=room):
                self.rooms[room.id] = room
                self.subscriptions.room_added(room.id)
                self.subscriptions.join_all(now)
            case RoomChanged(room=room):
                self.rooms[room.id] = room
            case ReadElsewhere(room=room_id, seq=seq):
                self._read_up_to(room_id, seq)
            case RoomRemoved(room=room_id):
                self.rooms.pop(room_id, None)
                self.subscriptions.room_removed(room_id)
        self._updates.append(update)

    def _read_up_to(self, room_id: str, seq: int) -> None:
        room = self.rooms.get(room_id)
        if room is not None and room.read < seq:
            self.rooms[room_id] = msgspec.structs.replace(room, read=seq)

    def _reply(self, frame: Frame, text: str, now: float) -> None:
        if frame["type"] != "joined" and self.outbox.reply_received(frame, now):
            return
        if frame["type"] != "joined" and self.read_markers.reply_received(frame, now):
            return
        updates = self.subscriptions.reply_received(frame, text, now)
        self._updates += [Reply(frame)] if updates is None else updates
