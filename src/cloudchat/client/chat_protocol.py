"""The client side of cloudchat.v1. Sans-I/O: frames go in, commands and updates come out."""

import itertools
import json
import random
from collections.abc import Callable

from cloudchat.client.outbox import Outbox, PendingSend
from cloudchat.client.reconnect_policy import recovery_after_close
from cloudchat.client.room_subscription import RoomSubscription, State
from cloudchat.client.updates import Connected, EphemeralEvent, Frame, Reply, Update
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
        self.subscriptions: dict[str, RoomSubscription] = {}
        self.outbox = Outbox(rand)
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
        self._paused = False
        self._join_ids = itertools.count(1)

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
            case "left" | "history" | "present" | "authenticated" | "pong":
                self._updates.append(Reply(frame))
            case "head":
                self._pass_to_subscription(frame, text, now)
            case _ if "seq" in frame and "epoch" in frame:
                self._pass_to_subscription(frame, text, now)
            case _:
                self._updates.append(EphemeralEvent(frame))

    def connection_closed(self, code: int | None) -> Recovery:
        """Record the end of the connection. Return what to do next."""
        self.welcomed = False
        self._commands.clear()
        self.outbox.disconnected()
        for subscription in self.subscriptions.values():
            subscription.disconnected()
        return recovery_after_close(code)

    # -- the user's actions -------------------------------------------------------------------------------------------

    def subscribe(self, room: str, now: float, *, after: StreamPosition | None = None, limit: int = 50) -> None:
        """Join a room now and after each reconnect, after the position `after` or with the last `limit` events."""
        if room not in self.subscriptions:
            self.subscriptions[room] = RoomSubscription(room, self._join_ids, limit=limit, after=after)
            if self.welcomed and not self._paused:
                self.subscriptions[room].join(now)

    def unsubscribe(self, room: str) -> None:
        """Leave a room and drop its position."""
        subscription = self.subscriptions.pop(room, None)
        if subscription is not None:
            self._leave(subscription)

    def send(self, pending: PendingSend) -> None:
        """Send a message, and repeat it until it is answered. Raises `OutboxFull`."""
        self.outbox.add(pending)

    def request(self, command: Frame) -> None:
        """Send a command once, on this connection only. Without a connection it is dropped."""
        if self.welcomed:
            self._commands.append(command)

    def pause(self) -> None:
        """Leave all rooms because the user reads too slowly. The events wait in the server's log."""
        if not self._paused:
            self._paused = True
            for subscription in self.subscriptions.values():
                self._leave(subscription)

    def resume(self, now: float) -> None:
        """Join all rooms again, from the positions at which `pause` left them."""
        if self._paused:
            self._paused = False
            self._join_all(now)

    # -- what to do next ----------------------------------------------------------------------------------------------

    @property
    def silence_deadline(self) -> float:
        """The time at which the connection counts as lost if no frame arrives before."""
        return self._last_frame_at + self._max_silence_seconds

    def tick(self, now: float) -> bool:
        """Do all due work. Return False when the server was silent for too long: the connection is lost."""
        if now > self.silence_deadline:
            return False
        if not self.welcomed:
            return True
        for subscription in self.subscriptions.values():
            silent = now - subscription.last_frame_at > self._max_silence_seconds
            if subscription.retry_at is not None and subscription.retry_at <= now:
                subscription.join(now)
            elif subscription.state is State.LIVE and silent:
                subscription.join(now)  # other rooms get frames, this one gets no `head`: the server has dropped it
            elif subscription.state is State.JOINING and silent:
                return False
        return True

    def next_tick(self, now: float) -> float:
        """Return the latest time for the next `tick`."""
        times = [self.silence_deadline, now + 1.0]
        times += [one.retry_at for one in self.subscriptions.values() if one.retry_at is not None]
        due = self.outbox.next_due()
        return min(times if due is None else [*times, due])

    def take_commands(self, now: float) -> list[str]:
        """Return the frames to send now, in order. Joins come first, so that the user sees their own messages."""
        if not self.welcomed:
            return []
        commands, self._commands = self._commands, []
        for subscription in self.subscriptions.values():
            commands += subscription.commands
            subscription.commands.clear()
        commands += self.outbox.take_due(now)
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
        self._updates.append(Connected(frame))
        if not self._paused:
            self._join_all(now)

    def _join_all(self, now: float) -> None:
        if self.welcomed:
            for subscription in self.subscriptions.values():
                if subscription.state is State.IDLE:
                    subscription.join(now)

    def _leave(self, subscription: RoomSubscription) -> None:
        subscription.leave()
        if self.welcomed:
            self._commands += subscription.commands
        subscription.commands.clear()

    def _reply(self, frame: Frame, text: str, now: float) -> None:
        if frame["type"] != "joined" and self.outbox.reply_received(frame, now):
            return
        for subscription in self.subscriptions.values():
            if subscription.is_join_reply(frame.get("id")):
                self._updates += subscription.receive(frame, text, now)
                return
        self._updates.append(Reply(frame))

    def _pass_to_subscription(self, frame: Frame, text: str, now: float) -> None:
        subscription = self.subscriptions.get(frame["room"])
        if subscription is not None:
            self._updates += subscription.receive(frame, text, now)
