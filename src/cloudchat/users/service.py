"""Find users by the beginning of their names."""

from collections.abc import Sequence

from cloudchat.auth.usernames import lookup_key
from cloudchat.database.transactions import Database
from cloudchat.users import repository
from cloudchat.users.repository import FoundUser


class UserDirectory:
    """Finds users. Blocking: call it in threads."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def find(self, beginning: str, after: str | None, limit: int) -> Sequence[FoundUser]:
        """Return a page of the users whose names begin so, in any case, by name. Raises `DatabaseUnavailable`."""
        key = lookup_key(beginning) if beginning else ""
        if key is None:
            return []
        with self._db.read() as db:
            return repository.find_users(db, key, after, limit)
