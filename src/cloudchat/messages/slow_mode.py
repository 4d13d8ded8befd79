"""When each user may post again in rooms with slow mode, as far as this process has seen their messages."""

from collections import OrderedDict

MAX_ENTRIES = 10_000


class SlowMode:
    """Remembers the last message of each user in each slow room, and drops the oldest beyond `MAX_ENTRIES`.

    A user whose sockets are in several processes has one message in each: the bound is per process.
    """

    def __init__(self) -> None:
        self._last: OrderedDict[tuple[str, str], tuple[str, float]] = OrderedDict()

    def allowed_at(self, room: str, user: str, cid: str) -> float:
        """Return when the user may post next; 0 for a repetition of the last message, whose outcome was unknown."""
        last_cid, allowed_at = self._last.get((room, user), ("", 0.0))
        return 0.0 if last_cid == cid else allowed_at

    def posted(self, room: str, user: str, cid: str, allowed_at: float) -> None:
        """Record a message, after which the next one is allowed at `allowed_at`."""
        key = (room, user)
        if self._last.get(key, ("",))[0] == cid:
            return
        self._last[key] = (cid, allowed_at)
        self._last.move_to_end(key)
        if len(self._last) > MAX_ENTRIES:
            self._last.popitem(last=False)
