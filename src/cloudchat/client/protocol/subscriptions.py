"""The rooms that a client receives: which ones it joins, and when. Sans-I/O."""

import itertools
from collections.abc import Iterable

from cloudchat.client.protocol.join_window import JoinWindow
from cloudchat.client.protocol.room_events import Frame
from cloudchat.client.protocol.room_subscription import RoomSubscription, State
from cloudchat.client.protocol.updates import Update
from cloudchat.core.stream_position import StreamPosition


class Subscriptions:
    """The subscriptions of a client across all its connections. Times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._by_room: dict[str, RoomSubscription] = {}
        self._join_ids = itertools.count(1)
        self._window = JoinWindow()
        self._is_connected = False
        self._is_paused = False
        self._all_rooms_limit: int | None = None
        """With `subscribe_all`: its `limit`."""
        self._left: set[str] = set()
        """Rooms that `subscribe_all` does not join, because the user has left them since."""

    # -- the connection -----------------------------------------------------------------------------------------------

    def connected(self) -> None:
        """Record a new connection. `join_all` joins the rooms on it."""
        self._is_connected = True
        self._window.reset()

    def disconnected(self) -> None:
        """Record the end of the connection."""
        self._is_connected = False
        for subscription in self._by_room.values():
            subscription.disconnected()

    # -- the user's actions -------------------------------------------------------------------------------------------

    def position(self, room: str) -> StreamPosition | None:
        """Return the position of a room's last event."""
        subscription = self._by_room.get(room)
        return subscription.position if subscription else None

    def subscribe(self, room: str, now: float, *, after: StreamPosition | None, limit: int) -> None:
        """Join a room now and after each reconnect, after the position `after` or with the last `limit` events."""
        self._left.discard(room)
        subscription = self._by_room.get(room)
        if subscription is None or subscription.state is State.REFUSED:
            self._by_room[room] = RoomSubscription(room, self._join_ids, limit=limit, after=after)
            if self._is_connected and not self._is_paused:
                self._by_room[room].join(now)

    def subscribe_all(self, rooms: Iterable[str], now: float, *, limit: int) -> None:
        """Join all rooms of the user, also those that they become a member of later."""
        self._all_rooms_limit = limit
        self._left.clear()
        for room in rooms:
            self.room_added(room)
        self.join_all(now)

    def unsubscribe(self, room: str) -> list[Frame]:
        """Leave a room and drop its position. Return the command to send, if any."""
        self._left.add(room)
        subscription = self._by_room.pop(room, None)
        return _leave([] if subscription is None else [subscription])

    def pause(self) -> list[Frame]:
        """Leave all rooms, and keep their positions. Return the commands to send."""
        if self._is_paused:
            return []
        self._is_paused = True
        return _leave(self._by_room.values())

    def resume(self, now: float) -> None:
        """Join all rooms again, from the positions at which `pause` left them."""
        self._is_paused = False
        self.join_all(now)

    # -- the user's rooms ---------------------------------------------------------------------------------------------

    def room_added(self, room: str) -> None:
        """Record that the user is a member of a room. `join_all` joins it."""
        subscription = self._by_room.get(room)
        if subscription is not None:
            subscription.allowed()
        elif self._all_rooms_limit is not None and room not in self._left:
            self._by_room[room] = RoomSubscription(room, self._join_ids, limit=self._all_rooms_limit)

    def room_removed(self, room: str) -> None:
        """Record that the user is no longer a member of a room."""
        if room in self._by_room:
            self._by_room[room].refused()

    def join_all(self, now: float) -> None:
        """Join all rooms that are not joined on this connection."""
        if not self._is_connected or self._is_paused:
            return
        for subscription in self._by_room.values():
            if subscription.state is State.IDLE:
                subscription.join(now)

    # -- frames and time ----------------------------------------------------------------------------------------------

    def receive(self, frame: Frame, text: str, now: float) -> list[Update]:
        """Handle an event of a room's log, or a `head`. Return the updates."""
        subscription = self._by_room.get(frame["room"])
        return [] if subscription is None else subscription.receive(frame, text, now)

    def reply_received(self, frame: Frame, text: str, now: float) -> list[Update] | None:
        """Handle the reply to a `join`. Return the updates, or None if it is the reply to another command."""
        for subscription in self._by_room.values():
            if subscription.is_join_reply(frame.get("id")):
                updates = subscription.receive(frame, text, now)
                if subscription.state is State.WAITING:
                    self._window.refused(subscription.join_at)
                return updates
        return None

    def tick(self, now: float, max_silence_seconds: float) -> bool:
        """Join rooms again that are silent while others are not. Return False if the connection is lost."""
        for subscription in self._by_room.values():
            silent = now - subscription.last_frame_at > max_silence_seconds
            if subscription.state is State.LIVE and silent:
                subscription.join(now)  # other rooms get frames, this one gets no `head`: the server has dropped it
            elif subscription.state is State.JOINING and silent:
                return False
        return True

    def next_due(self) -> float | None:
        """Return when `take_due` has something to return, None if that depends on a reply."""
        return self._window.next_due(self._by_room.values())

    def take_due(self, now: float) -> list[Frame]:
        """Return the joins to send now."""
        return [subscription.take_join(now) for subscription in self._window.take_due(self._by_room.values(), now)]


def _leave(subscriptions: Iterable[RoomSubscription]) -> list[Frame]:
    commands = [subscription.leave() for subscription in subscriptions]
    return [command for command in commands if command is not None]
