"""Which rooms there are for whom."""

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
