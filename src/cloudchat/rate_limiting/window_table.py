"""Fixed windows that count events per key, in a bounded number: whatever is counted, the table does not grow.

A limit per name or per network is asked about names and networks that an attacker invents. Without a bound each failed
login with a made-up name left 852 bytes in the store, for up to a day, until the store was full and refused messages.
A full table forgets a window that has ended, else one with a low count: invented keys replace each other.
"""

from itertools import islice

_CANDIDATES = 8


class WindowTable:
    """A table in memory. Sans-I/O: `now` is in seconds. `window_table.lua` is the same in the store."""

    def __init__(self, max_windows: int) -> None:
        self._max_windows = max_windows
        self._windows: dict[bytes, tuple[float, int]] = {}
        """The end and the count of each window. Those that were written last are last."""

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self._windows)

    def hit(self, key: bytes, seconds: float, amount: int, now: float) -> tuple[int, float]:
        """Add to the count, in a new window of `seconds` if there is none. Return the count and the seconds left."""
        ends_at, count = self._windows.pop(key, (0.0, 0))
        if ends_at <= now:
            ends_at, count = now + seconds, 0
            if len(self._windows) >= self._max_windows:
                self._evict(now)
        self._windows[key] = ends_at, count + amount
        return count + amount, ends_at - now

    def read(self, key: bytes, now: float) -> tuple[int, float]:
        """Return the count and the seconds left; both are 0 without a window."""
        ends_at, count = self._windows.get(key, (0.0, 0))
        return (count, ends_at - now) if ends_at > now else (0, 0.0)

    def clear(self, key: bytes) -> None:
        """Forget the window of a key."""
        self._windows.pop(key, None)

    def reset(self) -> None:
        """Forget all windows."""
        self._windows.clear()

    def _evict(self, now: float) -> None:
        """Remove one of the windows that were written first; the others of them become the last ones."""
        candidates = [(key, self._windows.pop(key)) for key in list(islice(self._windows, _CANDIDATES))]
        candidates.sort(key=lambda item: item[1][1] if item[1][0] > now else 0)
        self._windows.update(candidates[1:])
