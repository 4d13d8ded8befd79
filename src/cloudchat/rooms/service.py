"""Which rooms there are for whom."""

from collections.abc import Mapping

from cloudchat.database.transactions import Database
from cloudchat.rooms import repository
from cloudchat.rooms.repository import RoomSummary

__all__ = ["RoomService", "RoomSummary"]


class RoomService:
    """The rooms of a user. Blocking: for threads."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def rooms_of(self, user_id: str) -> list[RoomSummary]:
        """Every room the user is in, the oldest first: public ones, and those of a membership."""
        with self._db.read() as db:
            return list(repository.rooms_of(db, user_id))

    def log_checkpoints(self) -> dict[str, tuple[str, int]]:
        """(epoch, seq) where each room's log has been seen to stand, by any process. Raises `DatabaseUnavailable`."""
        with self._db.read() as db:
            return repository.log_checkpoints(db)

    def save_log_checkpoints(self, places: Mapping[str, tuple[str, int]]) -> None:
        """Write down where logs stand. Raises `DatabaseUnavailable`; then it is to be done again."""
        with self._db.write() as db:
            for room_id, (epoch, seq) in places.items():
                repository.save_log_checkpoint(db, room_id, epoch, seq)
