"""What a process reads to keep its sockets up to date, and to append notices to the logs of rooms."""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence

from cloudchat.database.transactions import Database
from cloudchat.rooms.changes import repository
from cloudchat.rooms.changes.repository import PendingNotice, RoomChange
from cloudchat.rooms.moderation import repository as moderation
from cloudchat.rooms.summaries import repository as rooms
from cloudchat.rooms.summaries.summary import RoomFacts, RoomSummary

MAX_NOTICES = 500


class RoomChanges:
    """Reads changes, and the outbox of notices. Blocking: call it in threads. Raises `DatabaseUnavailable`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def changes_since(self, since: float) -> Sequence[RoomChange]:
        """Return the changes at or after `since` (seconds since 1970), one for each room and user.

        Ask for some minutes more than those since the last call: an instant is that of the process that made the
        change, whose clock may differ, and it is set before the commit.
        """
        with self._db.read() as db:
            return repository.changes_since(db, since)

    def changes_after(self, room_id: str, version: int) -> Sequence[RoomChange]:
        """Return the changes of one room after a version.

        A member without a change of their own or of all members has the same rights in every later version.
        """
        with self._db.read() as db:
            return repository.changes_after(db, room_id, version)

    def facts(self, room_ids: Collection[str]) -> Mapping[str, RoomFacts]:
        """Return what is the same for all members of rooms, by room id: for changes that concern all members."""
        with self._db.read() as db:
            return rooms.facts(db, room_ids) if room_ids else {}

    def memberships(self, pairs: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], RoomSummary]:
        """Return rooms of users, by (user id, room id). A pair is missing if the user is not a member."""
        wanted = list(pairs)
        with self._db.read() as db:
            return rooms.members_of_rooms(db, wanted) if wanted else {}

    def bans(self, pairs: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], float]:
        """Return when the bans of users end, by (user id, room id). A pair is missing if the user is not banned."""
        with self._db.read() as db:
            return moderation.ban_ends(db, pairs, time.time())

    def pending_notices(self, room_id: str | None = None, limit: int = MAX_NOTICES) -> Sequence[PendingNotice]:
        """Return notices that are not known to be in the log, of one room or of all.

        Append those of a room in this order.
        """
        with self._db.read() as db:
            return repository.pending_notices(db, room_id, limit)

    def raise_version(self, room_id: str, version: int) -> None:
        """Raise the version of a room to at least this one: the database may be an older copy than the store."""
        with self._db.write() as db:
            repository.raise_version(db, room_id, version)

    def notice_appended(self, room_id: str, version: int) -> None:
        """Remove a notice from the outbox, after the store has acknowledged it."""
        with self._db.write() as db:
            repository.delete_notice(db, room_id, version)
