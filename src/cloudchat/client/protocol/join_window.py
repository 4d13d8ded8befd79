"""How many joins a client sends at once. Sans-I/O.

A client can have hundreds of rooms, and servers limit the rate of joins, together for all clients of a user. A server
closes a connection that goes on after many refusals (4429). So only a few joins are unanswered at any time. After the
first refusal the client sends one at a time, at the times that the server names.
"""

from collections.abc import Collection

from cloudchat.client.protocol.room_subscription import RoomSubscription, State

MAX_UNANSWERED = 16
"""Below the number of refusals in a row after which a server closes (20). A server at a distance of 100 ms
(round trip) still answers 160 joins per second."""


class JoinWindow:
    """Times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._max_unanswered = MAX_UNANSWERED
        self._closed_until = 0.0

    def reset(self) -> None:
        """Record a new connection."""
        self._max_unanswered, self._closed_until = MAX_UNANSWERED, 0.0

    def refused(self, until: float) -> None:
        """Record that a join can be repeated at `until`: the server is busy, so all other joins wait, too."""
        self._max_unanswered, self._closed_until = 1, max(self._closed_until, until)

    def take_due(self, subscriptions: Collection[RoomSubscription], now: float) -> list[RoomSubscription]:
        """Return the subscriptions that join now. Those that have waited the longest are first."""
        waiting = [one for one in subscriptions if one.state is State.WAITING]
        if not waiting:
            self._max_unanswered = MAX_UNANSWERED
            return []
        due = [one for one in waiting if max(one.join_at, self._closed_until) <= now]
        return sorted(due, key=lambda one: one.join_at)[: self._free_places(subscriptions)]

    def next_due(self, subscriptions: Collection[RoomSubscription]) -> float | None:
        """Return when `take_due` has something to return, None if that depends on a reply."""
        join_at = min((one.join_at for one in subscriptions if one.state is State.WAITING), default=None)
        if join_at is None or not self._free_places(subscriptions):
            return None
        return max(join_at, self._closed_until)

    def _free_places(self, subscriptions: Collection[RoomSubscription]) -> int:
        return max(0, self._max_unanswered - sum(one.state is State.JOINING for one in subscriptions))
