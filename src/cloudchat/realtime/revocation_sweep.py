"""Close the sockets of revoked tokens: within five seconds, in every process, no matter where the token was revoked.

Each process polls the database and closes its own sockets. No message between processes is needed: none can be lost, no
subscriber can be dead, and the store may be unavailable. Each query overlaps the last one by 15 minutes, so that a
clock that differs by minutes, or a transaction that commits late, hides nothing.

Handshakes of sessions that are in memory (`opening/session_directory.py`) ask the sweep for a read that is recent.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from cloudchat.auth.principal import ADMINISTER, Principal
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
RECENT_SECONDS = 0.02
"""How old a read may be for a handshake. One read costs 0.3 ms, and all handshakes share it."""
MAX_READING_SHARE = 0.25
"""Reads for handshakes take at most this share of the time. After thousands of logouts one read takes 10 ms or more."""

ReadRevocations = Callable[[float], Awaitable[Revocations]]
"""Returns the revocations since an instant, in seconds since 1970. Raises `DatabaseUnavailable`."""


class RevocationSweep:
    """Reads revocations and closes the sockets that they name."""

    def __init__(
        self, read: ReadRevocations, registry: ConnectionRegistry, last_commit: Callable[[], object] = lambda: None
    ) -> None:
        """`last_commit` returns another value after each transaction that this process has committed."""
        self._read_since = read
        self._registry = registry
        self._last_commit = last_commit
        self._read_at = time.time()
        """When the last successful read began, in seconds since 1970."""
        self._succeeded_at = time.monotonic()
        self._recent_until = float("-inf")
        self._recent_commit: object = None
        self._reading: asyncio.Task[None] | None = None
        self._latest: Revocations | None = None

    async def run(self) -> None:
        """Close the sockets of revoked tokens, forever."""
        while True:
            await asyncio.sleep(SWEEP_INTERVAL_SECONDS)
            try:
                await self._shared_read()
            except DatabaseUnavailable:
                logger.warning("revocations cannot be read")
                if time.monotonic() - self._succeeded_at > MAX_BLIND_SECONDS:
                    close_administrators(self._registry)
            else:
                # Also those that earlier reads had: a handshake that was under way may have opened its socket since.
                if self._latest:
                    close_revoked(self._registry, self._latest)

    async def refresh(self) -> None:
        """Read the revocations, unless the last read is recent. Raises `DatabaseUnavailable`.

        A read is recent for `RECENT_SECONDS` from its beginning, and until this process commits a transaction: who logs
        out here cannot open a socket right afterwards.
        """
        for _ in range(2):  # a read that is under way may have begun too early; the one after it has not
            if time.monotonic() <= self._recent_until and self._recent_commit is self._last_commit():
                return
            await self._shared_read()

    def revokes(self, principal: Principal) -> bool:
        """Return whether the last read names this principal."""
        return self._latest is not None and close_code_of(principal, self._latest) is not None

    async def _shared_read(self) -> None:
        if self._reading is None:
            self._reading = asyncio.get_running_loop().create_task(self._read())
            # When no handshake waits for a read that fails any more, asyncio must not log it as "never retrieved".
            self._reading.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.shield(self._reading)

    async def _read(self) -> None:
        began_at, now, commit = time.monotonic(), time.time(), self._last_commit()
        try:
            revocations = await self._read_since(min(now, self._read_at) - OVERLAP_SECONDS)
        finally:
            self._reading = None
        ended_at = time.monotonic()
        self._succeeded_at, self._read_at = ended_at, now
        self._recent_commit = commit
        self._recent_until = began_at + max(RECENT_SECONDS, (ended_at - began_at) / MAX_READING_SHARE)
        if revocations != self._latest:
            close_revoked(self._registry, revocations)
            self._latest = revocations


def close_revoked(registry: ConnectionRegistry, revocations: Revocations) -> None:
    """Close the sockets that `revocations` name. A socket whose token already has the user's new rights stays open."""
    for connection in registry.all():
        code = close_code_of(connection.principal, revocations)
        if code is not None:
            connection.socket.close(code)


def close_code_of(principal: Principal, revocations: Revocations) -> CloseCode | None:
    """Return the close code for a socket of this principal, or None if it stays open."""
    if principal.user_id in revocations.disabled:
        return CloseCode.ACCOUNT_DISABLED
    if (
        principal.session_id in revocations.sessions
        or principal.access_changed_at != revocations.changed.get(principal.user_id, principal.access_changed_at)
        or principal.key_id not in revocations.keys
    ):
        return CloseCode.TOKEN_INVALID
    return None


def close_administrators(registry: ConnectionRegistry) -> None:
    """Close the sockets of administrators: a revocation of their rights would not be noticed."""
    for connection in registry.all():
        if ADMINISTER in connection.principal.scopes:
            connection.socket.close(CloseCode.TOKEN_INVALID)
