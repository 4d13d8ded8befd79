"""Which users have a socket in this process, and which changes the other processes have not been told. Sans-I/O.

A user who comes is announced at once; a user who leaves after `GRACE_SECONDS`, because most come back: a page that is
reloaded, a phone that changes its network. So a user who flaps costs no announcement at all. Times are seconds of a
monotonic clock.
"""

from collections.abc import Callable

GRACE_SECONDS = 5.0


class LocalPresence:
    """Counts the sockets of users."""

    def __init__(self) -> None:
        self._sockets: dict[str, int] = {}
        self._left_at: dict[str, float] = {}
        """Users without a socket who are announced as online, those who left first are first."""
        self._announced: set[str] = set()
        self._came: set[str] = set()
        self.user_came: Callable[[], None] = lambda: None
        """Called when a user has come who must be announced."""

    @property
    def users(self) -> set[str]:
        """Everyone who is announced, or about to be."""
        return self._announced | self._came

    def socket_opened(self, user_id: str) -> None:
        """Count a socket."""
        self._sockets[user_id] = self._sockets.get(user_id, 0) + 1
        self._left_at.pop(user_id, None)
        if user_id not in self._announced:
            self._came.add(user_id)
            self.user_came()

    def socket_closed(self, user_id: str, now: float) -> None:
        """Count the end of a socket."""
        self._sockets[user_id] -= 1
        if self._sockets[user_id]:
            return
        del self._sockets[user_id]
        self._came.discard(user_id)
        if user_id in self._announced:
            self._left_at[user_id] = now

    def take_changes(self, now: float) -> tuple[list[str], list[str]]:
        """Return who came and who left, and regard both as announced."""
        came = list(self._came)
        self._announced |= self._came
        self._came.clear()
        left = []
        while self._left_at:
            user_id = next(iter(self._left_at))
            if now - self._left_at[user_id] < GRACE_SECONDS:
                break
            del self._left_at[user_id]
            self._announced.discard(user_id)
            left.append(user_id)
        return came, left
