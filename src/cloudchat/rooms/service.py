"""The rooms of a user."""

from cloudchat.database.transactions import Database
from cloudchat.rooms import repository
from cloudchat.rooms.repository import RoomSummary

__all__ = ["RoomService", "RoomSummary"]


class RoomService:
    """Reads rooms. Blocking: call it in a thread."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def rooms_of(self, user_id: str) -> list[RoomSummary]:
        """Return the rooms that the user is in, the oldest first. Raises `DatabaseUnavailable`."""
        with self._db.read() as db:
            return list(repository.rooms_of(db, user_id))
