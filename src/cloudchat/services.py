"""The blocking services of one process, and the calls that the event loop makes to them: each runs in a thread."""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from cloudchat.archive.erasure.repository import finished_since
from cloudchat.archive.folding.batch_fold import FoldOutcome, LogBatch
from cloudchat.archive.history.repository import ArchivedPage
from cloudchat.archive.service import ArchiveService
from cloudchat.archive.unread.repository import ArchivedUnread, UnreadRange
from cloudchat.auth.authentication import Authenticator
from cloudchat.auth.keys.key_rotation import LiveKeyRing
from cloudchat.auth.principal import Principal
from cloudchat.broker.appends import ArchivedMessage
from cloudchat.broker.numbering.checkpoint_repository import LogCheckpoints
from cloudchat.broker.numbering.high_water_marks import Mark
from cloudchat.broker.reads import HistoryRange
from cloudchat.core.stream_position import StreamPosition
from cloudchat.database.transactions import Database
from cloudchat.rooms.changes.repository import PendingNotice, RoomChange
from cloudchat.rooms.members.repository import RoomMember
from cloudchat.rooms.service import RoomService
from cloudchat.rooms.summaries.read_position_repository import ReadPositions, UserAndRoom
from cloudchat.rooms.summaries.summary import RoomFacts, RoomSummary


class Services(Struct, frozen=True):
    """What HTTP routes and sockets share. Routes call the services in their own threads; sockets call the methods."""

    db: Database
    keys: LiveKeyRing
    authenticator: Authenticator
    rooms: RoomService
    checkpoints: LogCheckpoints
    read_positions: ReadPositions
    archive: ArchiveService

    async def authenticate(self, token: str) -> Principal:
        """Return the principal of a token. Raises `AccountError`, `DatabaseUnavailable`."""
        return await asyncio.to_thread(self.authenticator.authenticate, token, time.time())

    def last_commit(self) -> object:
        """Return another value after each transaction that this process has committed."""
        return self.db.last_commit

    async def erased_since(self, since: float) -> Collection[str]:
        """See `realtime.feeds.erased_names.ReadErased`."""
        return await asyncio.to_thread(self._erased_since, since)

    def _erased_since(self, since: float) -> Collection[str]:
        with self.db.read() as db:
            return finished_since(db, since)

    async def advance_read_positions(
        self, positions: Mapping[UserAndRoom, StreamPosition]
    ) -> Mapping[UserAndRoom, int]:
        """Save how far users have read. Returns what is saved then. Raises `DatabaseUnavailable`."""
        return await asyncio.to_thread(self.read_positions.advance, positions)

    async def read_positions_of(self, user_id: str) -> Mapping[str, StreamPosition]:
        """See `realtime.commands.unread.UnreadArchive`."""
        return await asyncio.to_thread(self.read_positions.of_user, user_id)

    async def room_changes_since(self, since: float) -> Sequence[RoomChange]:
        """See `realtime.membership.room_sync.RoomReader`."""
        return await asyncio.to_thread(self.rooms.changes.changes_since, since)

    async def room_changes_after(self, room_id: str, version: int) -> Sequence[RoomChange]:
        """See `realtime.membership.room_sync.RoomReader`."""
        return await asyncio.to_thread(self.rooms.changes.changes_after, room_id, version)

    async def room_facts(self, room_ids: Collection[str]) -> Mapping[str, RoomFacts]:
        """See `realtime.membership.room_sync.RoomReader`."""
        return await asyncio.to_thread(self.rooms.changes.facts, room_ids)

    async def memberships(self, pairs: Collection[UserAndRoom]) -> Mapping[UserAndRoom, RoomSummary]:
        """See `realtime.membership.room_sync.RoomReader`."""
        return await asyncio.to_thread(self.rooms.changes.memberships, pairs)

    async def bans(self, pairs: Collection[UserAndRoom]) -> Mapping[UserAndRoom, float]:
        """See `realtime.membership.room_sync.RoomReader`."""
        return await asyncio.to_thread(self.rooms.changes.bans, pairs)

    async def raise_room_version(self, room_id: str, version: int) -> None:
        """See `realtime.membership.room_sync.RoomReader`."""
        await asyncio.to_thread(self.rooms.changes.raise_version, room_id, version)

    async def memberships_in_small_rooms(self, user_ids: Collection[str], max_members: int) -> Sequence[RoomMember]:
        """See `realtime.ephemeral.presence_delivery.MemberReader`."""
        return await asyncio.to_thread(self.rooms.members.in_small_rooms, user_ids, max_members)

    async def member_ids_by_name_key(self, room_id: str, keys: Collection[str]) -> Mapping[str, str]:
        """See `messages.mention_directory.ReadMembers`."""
        return await asyncio.to_thread(self.rooms.members.ids_by_name_key, room_id, keys)

    async def members_of(self, room_id: str) -> Sequence[RoomMember]:
        """See `realtime.ephemeral.presence_delivery.MemberReader`."""
        return await asyncio.to_thread(self.rooms.members.all_of, room_id)

    async def pending_notices(self, room_id: str | None = None) -> Sequence[PendingNotice]:
        """See `realtime.membership.notice_outbox.Outbox`."""
        return await asyncio.to_thread(self.rooms.changes.pending_notices, room_id)

    async def notice_appended(self, room_id: str, version: int) -> None:
        """See `realtime.membership.notice_outbox.Outbox`."""
        await asyncio.to_thread(self.rooms.changes.notice_appended, room_id, version)

    async def load_marks(self) -> Mapping[str, Mark]:
        """Return the high-water marks that all processes have saved, or the archived heads where those are higher.

        Raises `DatabaseUnavailable`.
        """
        return await asyncio.to_thread(self._load_marks)

    def _load_marks(self) -> Mapping[str, Mark]:
        marks = self.checkpoints.load()
        for room, head in self.archive.heads().items():
            if head.seq > marks.get(room, ("", 0))[1]:
                marks[room] = (head.epoch, head.seq)
        return marks

    async def save_marks(self, marks: Mapping[str, Mark]) -> None:
        """Save high-water marks. Raises `DatabaseUnavailable`."""
        await asyncio.to_thread(self.checkpoints.save, marks)

    async def archived_heads(self, rooms: Collection[str] | None) -> Mapping[str, StreamPosition]:
        """See `archive.archiver.ArchiveWriter`."""
        return await asyncio.to_thread(self.archive.heads, rooms)

    async def room_ids(self) -> Sequence[str]:
        """See `archive.archiver.ArchiveWriter`."""
        return await asyncio.to_thread(self.archive.room_ids)

    async def fold_logs(self, batches: Sequence[LogBatch]) -> Sequence[FoldOutcome]:
        """See `archive.archiver.ArchiveWriter`."""
        return await asyncio.to_thread(self.archive.fold, batches)

    async def archived_page(self, room: str, wanted: HistoryRange, *, all_users: bool) -> ArchivedPage:
        """See `archive.history.reader.ArchiveReader`."""
        return await asyncio.to_thread(self.archive.page, room, wanted, all_users=all_users)

    async def archived_unread(self, user_id: str, ranges: Sequence[UnreadRange]) -> Mapping[str, ArchivedUnread]:
        """See `realtime.commands.unread.UnreadArchive`."""
        return await asyncio.to_thread(self.archive.count_unread, user_id, ranges)

    async def archived_message(self, room: str, seq: int) -> ArchivedMessage:
        """See `messages.message_log.ReadMessage`."""
        return await asyncio.to_thread(self.archive.message, room, seq)
