"""The blocking services of one process, and the calls that the event loop makes to them: each runs in a thread."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

from cloudchat.auth.principal import Principal
from cloudchat.auth.service import AccountService
from cloudchat.auth.sessions.revocations import Revocations, revocations_since
from cloudchat.auth.tokens.key_rotation import LiveKeyRing
from cloudchat.broker.checkpoint_repository import LogCheckpoints
from cloudchat.broker.high_water_marks import Mark
from cloudchat.core.stream_position import StreamPosition
from cloudchat.database.transactions import Database
from cloudchat.rooms.read_position_repository import ReadPositions, UserAndRoom
from cloudchat.rooms.service import RoomService, RoomSummary


@dataclass(frozen=True)
class Services:
    """What HTTP routes and sockets share. Routes call the services in their own threads; sockets call the methods."""

    db: Database
    keys: LiveKeyRing
    accounts: AccountService
    rooms: RoomService
    checkpoints: LogCheckpoints
    read_positions: ReadPositions

    async def authenticate(self, token: str) -> Principal:
        """Return the principal of a token. Raises `AccountError`, `DatabaseUnavailable`."""
        return await asyncio.to_thread(self.accounts.authenticate, token, time.time())

    async def authenticate_with_rooms(self, token: str) -> tuple[Principal, list[RoomSummary]]:
        """Return the principal of a token and their rooms, in one thread. Raises like `authenticate`."""
        return await asyncio.to_thread(self._authenticate_with_rooms, token)

    def _authenticate_with_rooms(self, token: str) -> tuple[Principal, list[RoomSummary]]:
        principal = self.accounts.authenticate(token, time.time())
        return principal, self.rooms.rooms_of(principal.user_id)

    async def revocations_since(self, since: float) -> Revocations:
        """Return the revocations since an instant (seconds since 1970). Raises `DatabaseUnavailable`."""
        return await asyncio.to_thread(revocations_since, self.db, self.keys, since)

    async def advance_read_positions(
        self, positions: Mapping[UserAndRoom, StreamPosition]
    ) -> Mapping[UserAndRoom, int]:
        """Save how far users have read. Returns what is saved then. Raises `DatabaseUnavailable`."""
        return await asyncio.to_thread(self.read_positions.advance, positions)

    async def load_marks(self) -> Mapping[str, Mark]:
        """Return the high-water marks that all processes have saved. Raises `DatabaseUnavailable`."""
        return await asyncio.to_thread(self.checkpoints.load)

    async def save_marks(self, marks: Mapping[str, Mark]) -> None:
        """Save high-water marks. Raises `DatabaseUnavailable`."""
        await asyncio.to_thread(self.checkpoints.save, marks)
