"""What the store has told this process so far, which it must not take back.

A store that was restored from an older backup, or whose replica took over too early, ends before what it has already
numbered. It can't know; who was told does. So each call names the last place it knows, and the functions begin a new
epoch when the log ends before it, in the same atomic step: no event ever gets a number that another one had.
"""

from cloudchat.broker.broker import Listener


class Witness:
    """Stands between a subscription and its listener, and remembers the highest seq of each room in its epoch."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._known: dict[str, tuple[str, int]] = {}

    def known(self, room: str) -> tuple[str, int]:
        """The last place known in a room; `("", 0)` if there is none."""
        return self._known.get(room, ("", 0))

    def saw(self, room: str, epoch: str, seq: int) -> None:
        """The store has said that this place is taken."""
        known = self._known.get(room)
        if known is None or known[1] < seq or known[0] != epoch:
            self._known[room] = (epoch, seq)

    def subscribed(self, room: str) -> None:
        """See `Listener`."""
        self._listener.subscribed(room)

    def heard(self, room: str, epoch: str, seq: int, event: bytes) -> None:
        """See `Listener`."""
        self.saw(room, epoch, seq)
        self._listener.heard(room, epoch, seq, event)
