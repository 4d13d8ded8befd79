"""SQL queries for login sessions, their refresh tokens, and revocations."""

from collections.abc import Sequence

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from cloudchat.auth.sessions.refresh_rotation import RefreshTokenState
from cloudchat.core.ids import new_id
from cloudchat.database.models import ApiToken, LoginSession, RefreshToken, User
from cloudchat.database.transactions import changed_rows

ENDED_RETENTION_SECONDS = 7 * 86400
MAX_SESSIONS = 50
_MAX_CLIENT_CHARACTERS = 200
_MAX_NETWORK_CHARACTERS = 64

# --- Sessions


def create_session(
    db: Session, *, user_id: str, client: str, network: str, now: float, idle_seconds: float, absolute_seconds: float
) -> LoginSession:
    """Insert a session. End the user's oldest ones beyond `MAX_SESSIONS`, and delete those that ended long ago."""
    _delete_ended_sessions(db, user_id, now)
    for oldest in live_sessions(db, user_id, now)[MAX_SESSIONS - 1 :]:
        end_session(db, oldest.id, now, "too many sessions")
    session = LoginSession(
        id=new_id(),
        user_id=user_id,
        network=network[:_MAX_NETWORK_CHARACTERS],
        client="".join(filter(str.isprintable, client))[:_MAX_CLIENT_CHARACTERS],
        created_at=now,
        last_used_at=now,
        idle_expires_at=now + min(idle_seconds, absolute_seconds),
        expires_at=now + absolute_seconds,
    )
    db.add(session)
    db.flush()
    return session


def live_sessions(db: Session, user_id: str, now: float) -> Sequence[LoginSession]:
    """Return the user's sessions that have neither ended nor expired, most recently used first."""
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


def has_session_from(db: Session, user_id: str, network: str) -> bool:
    """Return whether the user has a session, live or recently ended, from this network (core.client_network)."""
    query = select(LoginSession.id).where(LoginSession.user_id == user_id, LoginSession.network == network)
    return db.scalar(query.limit(1)) is not None


def end_session(db: Session, session_id: str, now: float, reason: str, *, user_id: str | None = None) -> bool:
    """End a session, of `user_id` if given. Return False if there is no such session or it has ended."""
    query = update(LoginSession).where(LoginSession.id == session_id, LoginSession.ended_at.is_(None))
    if user_id is not None:
        query = query.where(LoginSession.user_id == user_id)
    return changed_rows(db, query.values(ended_at=now, ended_because=reason)) == 1


def end_sessions_of(db: Session, user_id: str, now: float, reason: str, *, except_id: str = "") -> None:
    """End all sessions of a user except `except_id`."""
    db.execute(
        update(LoginSession)
        .where(LoginSession.user_id == user_id, LoginSession.ended_at.is_(None), LoginSession.id != except_id)
        .values(ended_at=now, ended_because=reason)
    )


def _delete_ended_sessions(db: Session, user_id: str, now: float) -> None:
    before = now - ENDED_RETENTION_SECONDS
    db.execute(
        delete(LoginSession).where(
            LoginSession.user_id == user_id,
            or_(
                LoginSession.ended_at < before,
                LoginSession.expires_at < before,
                LoginSession.idle_expires_at < before,
            ),
        )
    )


# --- Refresh tokens


def add_refresh_token(
    db: Session, *, token_hash: str, session_id: str, now: float, parent_hash: str | None = None
) -> None:
    """Insert a refresh token: the first one of a session, or the successor of `parent_hash`."""
    db.add(RefreshToken(token_hash=token_hash, session_id=session_id, created_at=now, parent_hash=parent_hash))


def session_of_refresh_token(db: Session, token_hash: str, *, for_update: bool = False) -> LoginSession | None:
    """Return the session. `for_update` locks it, and so the state of all its refresh tokens, until the commit."""
    query = (
        select(LoginSession)
        .join(RefreshToken, RefreshToken.session_id == LoginSession.id)
        .where(RefreshToken.token_hash == token_hash)
    )
    return db.scalar(query.with_for_update(of=LoginSession) if for_update else query)


def refresh_token_state(db: Session, token_hash: str) -> RefreshTokenState | None:
    """Return the state of a refresh token, or None. An earlier statement must have locked its session."""
    token = db.execute(
        select(RefreshToken.rotated_at, RefreshToken.parent_hash).where(RefreshToken.token_hash == token_hash)
    ).one_or_none()
    if token is None:
        return None
    successors, used = db.execute(
        select(func.count(), func.count(RefreshToken.rotated_at)).where(RefreshToken.parent_hash == token_hash)
    ).one()
    sibling_used_at = None
    if token.parent_hash is not None:  # first tokens have no siblings, but all of them have the parent NULL
        siblings = RefreshToken.parent_hash == token.parent_hash, RefreshToken.token_hash != token_hash
        sibling_used_at = db.scalar(select(func.min(RefreshToken.rotated_at)).where(*siblings))
    return RefreshTokenState(token.rotated_at, sibling_used_at, successors, used > 0)


def mark_rotated(db: Session, token_hash: str, now: float) -> None:
    """Store when a refresh token was first exchanged."""
    db.execute(
        update(RefreshToken)
        .where(RefreshToken.token_hash == token_hash, RefreshToken.rotated_at.is_(None))
        .values(rotated_at=now)
    )


def delete_old_refresh_tokens(db: Session, session_id: str, before: float) -> None:
    """Delete tokens exchanged, or else created, before `before`: a session may be in use for months."""
    dead_since = func.coalesce(RefreshToken.rotated_at, RefreshToken.created_at)
    db.execute(delete(RefreshToken).where(RefreshToken.session_id == session_id, dead_since < before))


# --- Revocations


def ended_sessions(db: Session, since: float) -> Sequence[str]:
    """Return the ids of the sessions that ended at or after `since`, for any reason."""
    return db.scalars(select(LoginSession.id).where(LoginSession.ended_at >= since)).all()


def revoked_api_tokens(db: Session, since: float) -> Sequence[str]:
    """Return the ids of the API tokens that were revoked at or after `since`."""
    return db.scalars(select(ApiToken.id).where(ApiToken.revoked_at >= since)).all()


def users_with_changed_access(db: Session, since: float) -> list[tuple[str, bool, float]]:
    """Return (id, disabled, access_changed_at) of the users whose rights changed at or after `since`."""
    rows = db.execute(select(User.id, User.disabled_at, User.access_changed_at).where(User.access_changed_at >= since))
    return [(row.id, row.disabled_at is not None, row.access_changed_at or 0.0) for row in rows]
