"""SQL queries for login sessions, their refresh tokens, and revocations."""

from collections.abc import Sequence

from sqlalchemy import Float, bindparam, cast, delete, exists, func, literal, null, select, union_all, update
from sqlalchemy.orm import Session, aliased

from cloudchat.auth.sessions.refresh_rotation import RefreshTokenState
from cloudchat.core.ids import new_id
from cloudchat.database.models import ApiToken, LoginSession, RefreshToken, User
from cloudchat.database.transactions import changed_rows

MAX_SESSIONS = 50
MAX_ENDED_SESSIONS = 100
"""Ended sessions of one user that are kept, for the networks that the user is known to sign in from."""
ENDED_RETENTION_SECONDS = 7 * 86400
MIN_ENDED_RETENTION_SECONDS = 3600
"""However many there are: each process has to see that a session has ended, to close its sockets."""
MAX_DELETIONS = 100
"""Rows of one table that a login or a refresh deletes, at most: all other writers of SQLite wait for it."""
_MAX_CLIENT_CHARACTERS = 200
_MAX_NETWORK_CHARACTERS = 64

# --- Sessions


def create_session(
    db: Session,
    *,
    user_id: str,
    client: str,
    network: str,
    family_hash: str | None,
    now: float,
    idle_seconds: float,
    absolute_seconds: float,
) -> LoginSession:
    """Insert a session, whose user has just signed in. End the user's oldest ones beyond `MAX_SESSIONS`, and delete
    those that ended long ago, or beyond `MAX_ENDED_SESSIONS`.
    """
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
        family_hash=family_hash,
        verified_at=now,
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


def mark_verified(db: Session, session_id: str, now: float) -> bool:
    """Store that the user has just entered the password or a code. Return False if the session has ended."""
    query = update(LoginSession).where(LoginSession.id == session_id, LoginSession.ended_at.is_(None))
    return changed_rows(db, query.values(verified_at=now)) == 1


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
    """Delete some of the user's ended sessions. Each login adds one and deletes more, so a surplus shrinks."""
    of_user = LoginSession.user_id == user_id, LoginSession.ended_at.is_not(None)
    newest_beyond = db.scalar(
        select(LoginSession.ended_at).where(*of_user).order_by(LoginSession.ended_at.desc()).offset(MAX_ENDED_SESSIONS)
        .limit(1)
    )  # fmt: skip
    until = now - ENDED_RETENTION_SECONDS
    if newest_beyond is not None:
        until = max(until, min(newest_beyond, now - MIN_ENDED_RETENTION_SECONDS))
    oldest = select(LoginSession.id).where(*of_user, LoginSession.ended_at <= until)
    ids = db.scalars(oldest.order_by(LoginSession.ended_at).limit(MAX_DELETIONS)).all()
    if ids:
        delete_sessions(db, ids)


def delete_sessions(db: Session, ids: Sequence[str]) -> None:
    """Delete sessions, and before them at most `MAX_DELETIONS` of their refresh tokens. A session with more stays."""
    some = select(RefreshToken.token_hash).where(RefreshToken.session_id.in_(ids)).limit(MAX_DELETIONS)
    db.execute(delete(RefreshToken).where(RefreshToken.token_hash.in_(some)))
    has_tokens = exists().where(RefreshToken.session_id == LoginSession.id)
    db.execute(delete(LoginSession).where(LoginSession.id.in_(ids), ~has_tokens))


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


def session_of_family(db: Session, family_hash: str) -> LoginSession | None:
    """Return the session whose refresh tokens begin like this one, locked until the commit."""
    return db.scalar(select(LoginSession).where(LoginSession.family_hash == family_hash).with_for_update())


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


def count_rotations(db: Session, session_id: str, since: float, *, at_most: int) -> int:
    """Return how many refresh tokens of a session were exchanged since then. Stops counting at `at_most`."""
    recent = select(RefreshToken.token_hash).where(
        RefreshToken.session_id == session_id, RefreshToken.rotated_at >= since
    )
    return db.scalar(select(func.count()).select_from(recent.limit(at_most).subquery())) or 0


def delete_dead_refresh_tokens(db: Session, session_id: str, before: float) -> None:
    """Delete refresh tokens that died before then: they were exchanged, or a sibling was. At most `MAX_DELETIONS`.

    Their family still tells that they belonged to the session (`session_of_family`).
    """
    of_session = RefreshToken.session_id == session_id
    sibling = aliased(RefreshToken)
    lost = (
        of_session,
        RefreshToken.rotated_at.is_(None),
        exists().where(sibling.parent_hash == RefreshToken.parent_hash, sibling.rotated_at < before),
    )
    # The siblings first: they are recognised by the exchanged one.
    for dead in (lost, (of_session, RefreshToken.rotated_at < before)):
        some = select(RefreshToken.token_hash).where(*dead).limit(MAX_DELETIONS)
        db.execute(delete(RefreshToken).where(RefreshToken.token_hash.in_(some)))


# --- Revocations


_SINCE = bindparam("since", type_=Float)
_NO_TIME = cast(null(), Float)  # PostgreSQL needs a type in a union
_CHANGES = union_all(
    select(literal("user"), User.id, User.disabled_at, User.access_changed_at).where(User.access_changed_at >= _SINCE),
    select(literal("session"), LoginSession.id, _NO_TIME, _NO_TIME).where(LoginSession.ended_at >= _SINCE),
    select(literal("api token"), ApiToken.id, _NO_TIME, _NO_TIME).where(ApiToken.revoked_at >= _SINCE),
)
"""One statement, built once: handshakes wait for it. As three it took 0.7 ms of CPU time."""


def changes_since(db: Session, since: float) -> list[tuple[str, str, float | None, float | None]]:
    """Return what was revoked or changed at or after `since`: kind, id, and of users disabled_at, access_changed_at.

    The kinds are `session` (ended for any reason), `api token` (revoked) and `user` (whose rights have changed).
    """
    rows = db.execute(_CHANGES, {"since": since})
    return [(kind, id, disabled_at, changed_at) for kind, id, disabled_at, changed_at in rows]
