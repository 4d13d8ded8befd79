"""Users in SQL, as an administrator sees them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from cloudchat.auth.errors import NotFound
from cloudchat.auth.principal import ADMIN
from cloudchat.database.models import User


@dataclass(frozen=True, slots=True)
class UserSummary:
    """An account. `created_at` is in seconds since 1970."""

    id: str
    name: str
    role: str
    disabled: bool
    must_change_password: bool
    totp_enabled: bool
    created_at: float


def summary_of(user: User) -> UserSummary:
    """The part of a row that an administrator may see: no hash, no secret."""
    return UserSummary(
        id=user.id,
        name=user.name,
        role=user.role,
        disabled=user.disabled_at is not None,
        must_change_password=user.must_change_password,
        totp_enabled=user.totp_confirmed_at is not None,
        created_at=user.created_at,
    )


def users_after(db: Session, after: str | None, limit: int) -> Sequence[UserSummary]:
    """Accounts in the order they were made, from behind the user `after`. Raises NotFound."""
    query = select(User).order_by(User.created_at, User.id).limit(limit)
    if after is not None:
        place = db.get(User, after)
        if place is None:
            raise NotFound("there is no such user")
        query = query.where(tuple_(User.created_at, User.id) > (place.created_at, place.id))
    return [summary_of(user) for user in db.scalars(query)]


def lock_administrators(db: Session) -> Sequence[str]:
    """Ids of the enabled administrators, who stay so until the transaction's end: of two demotions, one waits."""
    query = select(User.id).where(User.role == ADMIN, User.disabled_at.is_(None)).order_by(User.id)
    return db.scalars(query.with_for_update()).all()
