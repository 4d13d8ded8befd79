"""Within what time the clients of a server reconnect. Sans-I/O.

A few clients must be back soon after a restart or an outage; many must not arrive all at once. A client that connects
to a server with few sockets gets a short time, so the first clients to connect are also the first to come back.
"""

MIN_WINDOW_MS = 3_000
"""For the first 2,400 clients."""
MAX_WINDOW_MS = 60_000
_CLIENTS_PER_SECOND = 800
"""As many as one core admits and joins, so that 3,000 clients are back within 5 s of a restart."""


def reconnect_window_ms(sockets: int) -> int:
    """Return the time over which the clients of a process with this many sockets spread their reconnects."""
    return min(max(MIN_WINDOW_MS, sockets * 1000 // _CLIENTS_PER_SECOND), MAX_WINDOW_MS)
