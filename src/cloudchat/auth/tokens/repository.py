"""SQL queries for the state of tokens: the session or API token row behind a token, and its user."""

from dataclasses import dataclass

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from cloudchat.database.models import ApiToken, LoginSession, User


@dataclass(frozen=True, slots=True)
class TokenStatus:
    """The current state of a token. Times are seconds since 1970.

    Only API tokens have `scopes` and `last_used_at`. An access token has all scopes of its user's role; only access
    tokens have `verified_at`.
    """

    user: User
    expires_at: float
    revoked: bool
    scopes: str | None = None
    last_used_at: float | None = None
    verified_at: float | None = None


def session_status(db: Session, session_id: str, user_id: str) -> TokenStatus | None:
    """Return the status of an access token: its login session and user, in one query."""
    row = db.execute(
        select(User, LoginSession.expires_at, LoginSession.ended_at, LoginSession.verified_at)
        .join(LoginSession, LoginSession.user_id == User.id)
        .where(LoginSession.id == session_id, User.id == user_id)
    ).one_or_none()
    return TokenStatus(row[0], row[1], revoked=row[2] is not None, verified_at=row[3]) if row else None


def api_token_status(db: Session, token_id: str, user_id: str) -> TokenStatus | None:
    """Return the status of an API token: its row and user, in one query."""
    row = db.execute(
        select(User, ApiToken.expires_at, ApiToken.revoked_at, ApiToken.scopes, ApiToken.last_used_at)
        .join(ApiToken, ApiToken.user_id == User.id)
        .where(ApiToken.id == token_id, User.id == user_id)
    ).one_or_none()
    return TokenStatus(row[0], row[1], row[2] is not None, row[3], row[4]) if row else None


def update_last_used(db: Session, token_id: str, now: float, *, if_before: float) -> None:
    """Store when an API token was used, unless another process has stored a use after `if_before`."""
    db.execute(
        update(ApiToken)
        .where(ApiToken.id == token_id, or_(ApiToken.last_used_at.is_(None), ApiToken.last_used_at <= if_before))
        .values(last_used_at=now)
    )
