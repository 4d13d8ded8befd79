"""Login sessions, and what tokens stand on, in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from cloudchat.core.ids import new_id
from cloudchat.database.models import ApiToken, LoginSession, User
from cloudchat.database.transactions import changed_rows

KEPT_DEAD_SECONDS = 7 * 86400
MAX_SESSIONS = 50


@dataclass(frozen=True, slots=True)
class TokenStatus:
    """What a token stands on, as it is now."""

    user: User
    expires_at: float
    revoked: bool
    scopes: str | None  # of an API token; None means all of the role's
    last_used_at: float | None = None  # of an API token


def session_standing(db: Session, session_id: str, user_id: str) -> TokenStatus | None:
    """The login session and its user, in one query."""
    row = db.execute(
        select(User, LoginSession.expires_at, LoginSession.ended_at)
        .join(LoginSession, LoginSession.user_id == User.id)
        .where(LoginSession.id == session_id, User.id == user_id)
    ).one_or_none()
    return TokenStatus(row[0], row[1], row[2] is not None, None) if row else None


def api_token_standing(db: Session, token_id: str, user_id: str) -> TokenStatus | None:
    """The API token's row and its user, in one query."""
    row = db.execute(
        select(User, ApiToken.expires_at, ApiToken.revoked_at, ApiToken.scopes, ApiToken.last_used_at)
        .join(ApiToken, ApiToken.user_id == User.id)
        .where(ApiToken.id == token_id, User.id == user_id)
    ).one_or_none()
    return TokenStatus(row[0], row[1], row[2] is not None, row[3], row[4]) if row else None


def note_token_use(db: Session, token_id: str, now: float, *, unless_since: float) -> None:
    """Write down that an API token was used, unless another process did so after `unless_since`."""
    db.execute(
        update(ApiToken)
        .where(ApiToken.id == token_id, or_(ApiToken.last_used_at.is_(None), ApiToken.last_used_at <= unless_since))
        .values(last_used_at=now)
    )


def signed_in_from(db: Session, user_id: str, network: str) -> bool:
    """Whether the user has, or lately had, a session that was opened in this network (core.client_network)."""
    query = select(LoginSession.id).where(LoginSession.user_id == user_id, LoginSession.network == network)
    return db.scalar(query.limit(1)) is not None


def open_session(
    db: Session, *, user_id: str, client: str, network: str, now: float, idle_seconds: float, absolute_seconds: float
) -> LoginSession:
    """Insert a session, and make room for it: the user's oldest ends, long dead ones are deleted."""
    _forget_dead_sessions(db, user_id, now)
    for oldest in live_sessions(db, user_id, now)[MAX_SESSIONS - 1 :]:
        end_session(db, oldest.id, now, "too many sessions")
    session = LoginSession(
        id=new_id(),
        user_id=user_id,
        network=network[:64],
        client="".join(filter(str.isprintable, client))[:200],
        created_at=now,
        last_used_at=now,
        idle_expires_at=now + min(idle_seconds, absolute_seconds),
        expires_at=now + absolute_seconds,
    )
    db.add(session)
    db.flush()
    return session


def live_sessions(db: Session, user_id: str, now: float) -> Sequence[LoginSession]:
    """The user's sessions that can still be used, the newest use first."""
    return db.scalars(
        select(LoginSession)
        .where(
            LoginSession.user_id == user_id,
            LoginSession.ended_at.is_(None),
            LoginSession.expires_at > now,
            LoginSession.idle_expires_at > now,
        )
        .order_by(LoginSession.last_used_at.desc(), LoginSession.id)
    ).all()


def end_session(db: Session, session_id: str, now: float, because: str, *, user_id: str | None = None) -> bool:
    """End a session (of `user_id`, if given); False if there was none to end."""
    query = update(LoginSession).where(LoginSession.id == session_id, LoginSession.ended_at.is_(None))
    if user_id is not None:
        query = query.where(LoginSession.user_id == user_id)
    return changed_rows(db, query.values(ended_at=now, ended_because=because)) == 1


def end_sessions_of(db: Session, user_id: str, now: float, because: str, *, except_id: str = "") -> None:
    """End every session of a user but one."""
    db.execute(
        update(LoginSession)
        .where(LoginSession.user_id == user_id, LoginSession.ended_at.is_(None), LoginSession.id != except_id)
        .values(ended_at=now, ended_because=because)
    )


def _forget_dead_sessions(db: Session, user_id: str, now: float) -> None:
    past = now - KEPT_DEAD_SECONDS
    db.execute(
        delete(LoginSession).where(
            LoginSession.user_id == user_id,
            or_(
                LoginSession.ended_at < past,
                LoginSession.expires_at < past,
                LoginSession.idle_expires_at < past,
            ),
        )
    )
