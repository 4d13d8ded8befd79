"""Refresh tokens in SQL."""

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from cloudchat.auth.sessions.refresh_rotation import RefreshTokenState
from cloudchat.database.models import LoginSession, RefreshToken


def add_refresh_token(
    db: Session, *, token_hash: str, session_id: str, now: float, parent_hash: str | None = None
) -> None:
    """Insert the newest link of a family, made by the exchange of `parent_hash`."""
    db.add(RefreshToken(token_hash=token_hash, session_id=session_id, created_at=now, parent_hash=parent_hash))


def session_of_refresh_token(db: Session, token_hash: str, *, to_change: bool = False) -> LoginSession | None:
    """The family; `to_change` keeps it, and so the facts of all its links, from others until the transaction's end."""
    query = (
        select(LoginSession)
        .join(RefreshToken, RefreshToken.session_id == LoginSession.id)
        .where(RefreshToken.token_hash == token_hash)
    )
    return db.scalar(query.with_for_update(of=LoginSession) if to_change else query)


def state_of(db: Session, token_hash: str) -> RefreshTokenState | None:
    """The facts about one refresh token. The family must be locked, by a statement before this one."""
    own = db.execute(
        select(RefreshToken.rotated_at, RefreshToken.parent_hash).where(RefreshToken.token_hash == token_hash)
    ).one_or_none()
    if own is None:
        return None
    successors, used = db.execute(
        select(func.count(), func.count(RefreshToken.rotated_at)).where(RefreshToken.parent_hash == token_hash)
    ).one()
    sibling_used_at = None
    if own.parent_hash is not None:  # the first of a family has no sibling, however many other families there are
        siblings = RefreshToken.parent_hash == own.parent_hash, RefreshToken.token_hash != token_hash
        sibling_used_at = db.scalar(select(func.min(RefreshToken.rotated_at)).where(*siblings))
    return RefreshTokenState(own.rotated_at, sibling_used_at, successors, used > 0)


def mark_used(db: Session, token_hash: str, now: float) -> None:
    """Write down when a link was first exchanged."""
    db.execute(
        update(RefreshToken)
        .where(RefreshToken.token_hash == token_hash, RefreshToken.rotated_at.is_(None))
        .values(rotated_at=now)
    )


def forget_old_links(db: Session, session_id: str, before: float) -> None:
    """Delete links dead since `before`, exchanged or not, so that a session in use for months stays small."""
    dead_since = func.coalesce(RefreshToken.rotated_at, RefreshToken.created_at)
    db.execute(delete(RefreshToken).where(RefreshToken.session_id == session_id, dead_since < before))
