"""SQL queries for the directory of users."""

from msgspec import Struct
from sqlalchemy import select

from cloudchat.database.tables.accounts import users
from cloudchat.database.tables.columns import begins_with
from cloudchat.database.transactions import Transaction


class FoundUser(Struct, frozen=True):
    """A user, as others see them. `name_key` is the place in the list."""

    id: str
    name: str
    name_key: str


def find_users(db: Transaction, beginning: str, after: str | None, limit: int) -> list[FoundUser]:
    """Return a page of the users who are not disabled and whose name key begins with `beginning`, by name."""
    query = (
        select(users.c.id, users.c.name, users.c.name_key)
        .where(users.c.disabled_at.is_(None))
        .order_by(users.c.name_key)
        .limit(limit)
    )
    if beginning:
        query = query.where(begins_with(users.c.name_key, beginning))
    if after is not None:
        query = query.where(users.c.name_key > after)
    return [FoundUser(*row) for row in db.execute(query)]
