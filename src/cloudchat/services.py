"""The blocking half of the server, for the event loop: each call runs in a thread."""

import asyncio
import time
from dataclasses import dataclass

from cloudchat.auth.principal import Principal
from cloudchat.auth.service import AccountService
from cloudchat.auth.sessions.revocations import Revocations, revocations_since
from cloudchat.auth.tokens.key_rotation import LiveKeyRing
from cloudchat.database.transactions import Database
from cloudchat.rooms.service import RoomService, RoomSummary


@dataclass(frozen=True)
class Services:
    """What HTTP and sockets share: the blocking half, for threads."""

    db: Database
    keys: LiveKeyRing
    accounts: AccountService
    rooms: RoomService

    async def admit(self, token: str) -> tuple[Principal, list[RoomSummary]]:
        """Whom a token speaks for, and their rooms. Raises `BadToken`, `AccountDisabled`, `DatabaseUnavailable`."""
        return await asyncio.to_thread(self._admit, token)

    def _admit(self, token: str) -> tuple[Principal, list[RoomSummary]]:
        principal = self.accounts.authenticate(token, time.time())
        return principal, self.rooms.rooms_of(principal.user_id)

    async def revocations_since(self, since: float) -> Revocations:
        """What was revoked since then. Raises `DatabaseUnavailable`."""
        return await asyncio.to_thread(revocations_since, self.db, self.keys, since)

    async def log_checkpoints(self) -> dict[str, tuple[str, int]]:
        """Load the high-water marks that all processes have saved. Raises `DatabaseUnavailable`."""
        return await asyncio.to_thread(self.rooms.log_checkpoints)

    async def save_log_checkpoints(self, places: dict[str, tuple[str, int]]) -> None:
        """Write down where the logs stand. Raises `DatabaseUnavailable`."""
        await asyncio.to_thread(self.rooms.save_log_checkpoints, places)

    async def authenticate(self, token: str) -> Principal:
        """Whom a token speaks for. Raises `AccountError`, `DatabaseUnavailable`."""
        return await asyncio.to_thread(self.accounts.authenticate, token, time.time())
