"""Close the sockets of revoked tokens: within five seconds, in every process, no matter where the token was revoked.

Each process polls the database and closes its own sockets. No message between processes is needed: none can be lost, no
subscriber can be dead, and the store may be unavailable. Each query overlaps the last one by 15 minutes, so that a
clock that differs by minutes, or a transaction that commits late, hides nothing.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from cloudchat.auth.principal import ADMINISTER
from cloudchat.auth.sessions.revocations import Revocations
from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.protocol.close_codes import CloseCode
from cloudchat.realtime.connection_registry import ConnectionRegistry

logger = logging.getLogger(__name__)

SWEEP_INTERVAL_SECONDS = 2.0
OVERLAP_SECONDS = 900.0
MAX_BLIND_SECONDS = 60.0
"""When revocations cannot be read for this long, the sockets of administrators are closed. New ones cannot be opened:
that needs the database, too.
"""

ReadRevocations = Callable[[float], Awaitable[Revocations]]
"""Returns the revocations since an instant, in seconds since 1970. Raises `DatabaseUnavailable`."""


async def sweep_revocations(read: ReadRevocations, registry: ConnectionRegistry) -> None:
    """Close the sockets of revoked tokens, forever."""
    succeeded_at, read_at = time.monotonic(), time.time()
    keys: frozenset[str] | None = None
    while True:
        await asyncio.sleep(SWEEP_INTERVAL_SECONDS)
        now = time.time()
        try:
            revocations = await read(min(now, read_at) - OVERLAP_SECONDS)
        except DatabaseUnavailable:
            logger.warning("revocations cannot be read")
            if time.monotonic() - succeeded_at > MAX_BLIND_SECONDS:
                close_administrators(registry)
        else:
            succeeded_at, read_at = time.monotonic(), now
            if revocations or revocations.keys != keys:
                close_revoked(registry, revocations)
            keys = revocations.keys


def close_revoked(registry: ConnectionRegistry, revocations: Revocations) -> None:
    """Close the sockets that `revocations` name. A socket whose token already has the user's new rights stays open."""
    for connection in registry.all():
        principal = connection.principal
        if principal.user_id in revocations.disabled:
            connection.socket.close(CloseCode.ACCOUNT_DISABLED)
        elif (
            principal.session_id in revocations.sessions
            or principal.access_changed_at != revocations.changed.get(principal.user_id, principal.access_changed_at)
            or principal.key_id not in revocations.keys
        ):
            connection.socket.close(CloseCode.TOKEN_INVALID)


def close_administrators(registry: ConnectionRegistry) -> None:
    """Close the sockets of administrators: a revocation of their rights would not be noticed."""
    for connection in registry.all():
        if ADMINISTER in connection.principal.scopes:
            connection.socket.close(CloseCode.TOKEN_INVALID)
