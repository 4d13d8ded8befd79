"""A reserve of file descriptors for the store and the database, which clients cannot use up.

The kernel always assigns the lowest free descriptor. So a new connection whose descriptor is high shows that all lower
ones are in use, whatever for: sockets, requests, files. Sockets are refused first, then other connections. What remains
lets a lost connection to the store or the database be opened again: without it, each message was answered
`unavailable` for as long as clients held all descriptors.
"""

import asyncio
import resource

SOCKET_RESERVE = 200
"""Descriptors that no WebSocket gets: for requests in progress, and for CONNECTION_RESERVE."""
CONNECTION_RESERVE = 120
"""Descriptors that no client gets: store (about 40), database, page files, logs."""
_MAX_SHARE = 4
"""With a low limit, SOCKET_RESERVE is at most one part in four of it, and CONNECTION_RESERVE shrinks likewise."""


def is_reserved(transport: asyncio.BaseTransport, reserve: int) -> bool:
    """Return whether the descriptor of a new connection is one of the last `reserve` ones below RLIMIT_NOFILE."""
    connection = transport.get_extra_info("socket")
    return connection is not None and reaches_reserve(
        connection.fileno(), resource.getrlimit(resource.RLIMIT_NOFILE)[0], reserve
    )


def reaches_reserve(descriptor: int, limit: int, reserve: int) -> bool:
    """Return whether `descriptor` is in the reserve below `limit`, which is smaller if the limit is low."""
    if limit == resource.RLIM_INFINITY:
        return False
    return descriptor >= limit - min(reserve, limit * reserve // (_MAX_SHARE * SOCKET_RESERVE))
