"""The archive in SQL, for one process: transactions on it. Blocking: call it in a thread."""

import logging
from collections.abc import Collection, Mapping, Sequence

from cloudchat.archive.folding.batch_fold import EarlierText, FoldOutcome, LogBatch, NotFolded
from cloudchat.archive.folding.repository import fold_logs
from cloudchat.archive.history.repository import ArchivedPage, read_earlier_texts, read_events, read_message, read_page
from cloudchat.archive.integrity.repository import ArchiveState, read_state
from cloudchat.archive.repository import read_heads, read_room_ids
from cloudchat.archive.unread.repository import ArchivedUnread, UnreadRange, count_unread
from cloudchat.auth.errors import NotFound
from cloudchat.broker.appends import ArchivedMessage
from cloudchat.broker.reads import HistoryRange
from cloudchat.core.log_rate_limit import RATE_LIMITED
from cloudchat.core.stream_position import StreamPosition
from cloudchat.database.transactions import Database, DatabaseUnavailable
from cloudchat.rooms.caller import Caller
from cloudchat.rooms.members.service import demand
from cloudchat.rooms.permissions import Command

logger = logging.getLogger(__name__)


class ArchiveService:
    """Folds logs into the archive, and reads it."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def heads(self, rooms: Collection[str] | None = None) -> Mapping[str, StreamPosition]:
        """Return the archived heads of rooms, None: of all rooms. Raises `DatabaseUnavailable`."""
        with self._db.read() as db:
            return read_heads(db, rooms)

    def room_ids(self) -> list[str]:
        """Return the ids of all rooms. Raises `DatabaseUnavailable`."""
        with self._db.read() as db:
            return read_room_ids(db)

    def state(self) -> ArchiveState:
        """Return the counts of the archive and what is wrong in it. Raises `DatabaseUnavailable`."""
        with self._db.snapshot() as db:
            return read_state(db)

    def fold(self, batches: Sequence[LogBatch]) -> list[FoldOutcome]:
        """Fold a batch of each of several rooms in one transaction, and return what became of each.

        One transaction, because each one waits for the disk. Raises `DatabaseUnavailable`: then the archive may have
        all of them or none, and a repetition reports `MOVED` for those that it has.
        """
        # In one order, so that two processes do not wait for each other's rooms.
        ordered = sorted(batches, key=lambda batch: batch.room)
        try:
            with self._db.write() as db:
                outcomes = fold_logs(db, ordered)
        except DatabaseUnavailable:
            raise
        except Exception:
            if len(ordered) > 1:  # one of them cannot be folded: the others can
                return [self.fold([batch])[0] for batch in batches]
            logger.exception("events cannot be archived room=%s", ordered[0].room, extra=RATE_LIMITED)
            return [NotFolded.FAILED]
        return [outcomes[batch.room] for batch in batches]

    def page(self, room: str, wanted: HistoryRange, *, all_users: bool = False) -> ArchivedPage:
        """See `history.repository.read_page`. Raises `DatabaseUnavailable`."""
        with self._db.snapshot() as db:
            return read_page(db, room, wanted, all_users=all_users)

    def message(self, room: str, seq: int) -> ArchivedMessage:
        """Return what the archive knows of a message, for a change of it. Raises `DatabaseUnavailable`."""
        with self._db.snapshot() as db:
            return read_message(db, room, seq)

    def count_unread(self, user_id: str, ranges: Sequence[UnreadRange]) -> dict[str, ArchivedUnread]:
        """See `unread.repository.count_unread`. Raises `DatabaseUnavailable`."""
        with self._db.read() as db:
            return count_unread(db, user_id, ranges)

    def earlier_texts(self, room: str, seq: int, caller: Caller) -> list[EarlierText]:
        """Return the earlier texts of a message, the oldest first; none if it was not edited.

        Raises:
            NotFound: The caller may not see the room, or the archive has no such message, or it is deleted.
            PermissionDenied
            DatabaseUnavailable
        """
        with self._db.snapshot() as db:
            demand(db, room, Command.READ_EDITS, caller)
            message = read_events(db, room, [seq]).get(seq)
            if message is None or not message.is_live_message:
                raise NotFound("there is no such message, or it is deleted")
            return read_earlier_texts(db, room, seq)
