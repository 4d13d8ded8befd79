"""Revoked anywhere, closed everywhere within five seconds: each process asks the database, and closes its own sockets.

Nothing has to arrive for this to work: no message can be lost, no subscriber can be dead, the store may be away. What
was revoked since the last answer, and for a while before it, is asked for again and again, so a clock that differs by
minutes, or a transaction that commits late, hides nothing.
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

SWEEP_SECONDS = 2.0
OVERLAP_SECONDS = 900.0
BLIND_SECONDS = 60.0
"""Administrators' sockets are closed when revocations can't be read for so long; nobody can open one then."""

Read = Callable[[float], Awaitable[Revocations]]


async def sweep(read: Read, roster: ConnectionRegistry) -> None:
    """Close what is revoked, for ever. `read` takes the instant to read from, seconds since 1970."""
    seen, read_at = time.monotonic(), time.time()
    keys: frozenset[str] | None = None
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        now = time.time()
        try:
            revocations = await read(min(now, read_at) - OVERLAP_SECONDS)
        except DatabaseUnavailable:
            logger.warning("revocations cannot be read")
            if time.monotonic() - seen > BLIND_SECONDS:
                close_administrators(roster)
        else:
            seen, read_at = time.monotonic(), now
            if revocations or revocations.keys != keys:
                close_revoked(roster, revocations)
            keys = revocations.keys


def close_revoked(roster: ConnectionRegistry, revocations: Revocations) -> None:
    """Close the sockets that `revocations` name; those that have their user's new rights already may stay."""
    for connection in roster.all():
        principal = connection.principal
        if principal.user_id in revocations.disabled:
            connection.socket.close(CloseCode.ACCOUNT_DISABLED)
        elif (
            principal.session_id in revocations.sessions
            or principal.access_changed_at != revocations.changed.get(principal.user_id, principal.access_changed_at)
            or principal.key_id not in revocations.keys
        ):
            connection.socket.close(CloseCode.TOKEN_INVALID)


def close_administrators(roster: ConnectionRegistry) -> None:
    """Without knowing who is one still, nobody is."""
    for connection in roster.all():
        if ADMINISTER in connection.principal.scopes:
            connection.socket.close(CloseCode.TOKEN_INVALID)
