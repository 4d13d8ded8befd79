"""The rates of socket handshakes of one address and of one user: which windows a handshake counts in.

The windows are moving ones: with fixed windows, twice the rate passes around each full minute, which is when broken
clients reconnect. `cluster_connection_limit.lua` counts them in the store for all processes together; `LocalWindows`
does the same in this process while the store is unavailable.
"""

import math
from collections import OrderedDict, deque
from collections.abc import Sequence

from limits import parse
from msgspec import Struct

from cloudchat.core.client_network import SUBSCRIBER_FACTOR, subscriber_network

MAX_LOCAL_WINDOWS = 20_000
"""Beyond, the window that was used longest ago is forgotten, and its key may connect as often as a new one."""


class Window(Struct, frozen=True):
    """A moving window of `seconds` that admits `limit` handshakes of one key."""

    key: str
    limit: int
    seconds: int


class ConnectionRates:
    """The configured rates, such as `600/minute`, applied to a network or a user."""

    def __init__(self, *, per_address: str, per_user: str) -> None:
        address, user = parse(per_address), parse(per_user)
        self._per_address = address.amount, address.get_expiry()
        self._per_user = user.amount, user.get_expiry()

    def windows_of_address(self, network: str) -> list[Window]:
        """Return the windows of a client network. An IPv6 network also counts for its subscriber, which comes first."""
        limit, seconds = self._per_address
        windows = [Window(f"address:{network}", limit, seconds)]
        subscriber = subscriber_network(network)
        if subscriber is not None:
            windows.insert(0, Window(f"subscriber:{subscriber}", SUBSCRIBER_FACTOR * limit, seconds))
        return windows

    def window_of_user(self, user_id: str) -> Window:
        """Return the window of a user."""
        return Window(f"user:{user_id}", *self._per_user)


class LocalWindows:
    """Counts handshakes in this process alone. Times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self._times)

    def hit(self, windows: Sequence[Window], now: float) -> int:
        """Count a handshake in the windows, up to the first that rejects it. Return 0, or the seconds to wait."""
        for window in windows:
            wait_seconds = self._hit(window, now)
            if wait_seconds > 0:
                return max(1, math.ceil(wait_seconds))
        return 0

    def _hit(self, window: Window, now: float) -> float:
        times = self._times.setdefault(window.key, deque())
        self._times.move_to_end(window.key)
        if len(self._times) > MAX_LOCAL_WINDOWS:
            self._times.popitem(last=False)
        while times and times[0] <= now - window.seconds:
            times.popleft()
        if len(times) >= window.limit:
            return times[0] + window.seconds - now
        times.append(now)
        return 0.0
