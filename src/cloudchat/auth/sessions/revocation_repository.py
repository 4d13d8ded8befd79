"""The rows that say what is good no more."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudchat.database.models import ApiToken, LoginSession, User


def ended_sessions(db: Session, since: float) -> Sequence[str]:
    """Ids of the sessions that ended since then: logout, ended by their user, password change, a copied token."""
    return db.scalars(select(LoginSession.id).where(LoginSession.ended_at >= since)).all()


def revoked_tokens(db: Session, since: float) -> Sequence[str]:
    """Ids of the API tokens that were revoked since then."""
    return db.scalars(select(ApiToken.id).where(ApiToken.revoked_at >= since)).all()


def changed_users(db: Session, since: float) -> list[tuple[str, bool, float]]:
    """(id, disabled, access_changed_at) of the users whose rights changed since then."""
    rows = db.execute(select(User.id, User.disabled_at, User.access_changed_at).where(User.access_changed_at >= since))
    return [(row.id, row.disabled_at is not None, row.access_changed_at or 0.0) for row in rows]
