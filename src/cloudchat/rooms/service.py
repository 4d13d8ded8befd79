"""The rooms of a user."""

from collections.abc import Collection, Mapping

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
            return list(repository.rooms_of_users(db, [user_id])[user_id].values())

    def rooms_of_users(self, user_ids: Collection[str]) -> Mapping[str, Mapping[str, RoomSummary]]:
        """Return the rooms of each user by their ids, in the order of `rooms_of`. Raises `DatabaseUnavailable`."""
        with self._db.read() as db:
            return repository.rooms_of_users(db, user_ids)
