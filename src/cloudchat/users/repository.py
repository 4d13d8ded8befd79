"""SQL queries for the directory of users."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudchat.database.models import User
from cloudchat.database.name_keys import begins_with


@dataclass(frozen=True, slots=True)
class FoundUser:
    """A user, as others see them. `name_key` is the place in the list."""

    id: str
    name: str
    name_key: str


def find_users(db: Session, beginning: str, after: str | None, limit: int) -> list[FoundUser]:
    """Return a page of the users who are not disabled and whose name key begins with `beginning`, by name."""
    query = (
        select(User.id, User.name, User.name_key).where(User.disabled_at.is_(None)).order_by(User.name_key).limit(limit)
    )
    if beginning:
        query = query.where(begins_with(User.name_key, beginning))
    if after is not None:
        query = query.where(User.name_key > after)
    return [FoundUser(*row) for row in db.execute(query)]
