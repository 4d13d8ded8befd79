"""SQL queries for login sessions, their refresh tokens, and revocations."""

from collections.abc import Sequence

from sqlalchemy import Float, bindparam, cast, delete, exists, func, insert, literal, null, select, union_all, update

from cloudchat.auth.sessions.refresh_rotation import RefreshTokenState
from cloudchat.core.ids import new_id
from cloudchat.database.tables.accounts import LoginSession, api_tokens, refresh_tokens, sessions, users
from cloudchat.database.transactions import Transaction, changed_rows, first_row

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
    db: Transaction,
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
    db.execute(insert(sessions).values(session._asdict()))
    return session


def live_sessions(db: Transaction, user_id: str, now: float) -> Sequence[LoginSession]:
    """Return the user's sessions that have neither ended nor expired, most recently used first."""
    query = select(sessions).where(
        sessions.c.user_id == user_id,
        sessions.c.ended_at.is_(None),
        sessions.c.expires_at > now,
        sessions.c.idle_expires_at > now,
    )
    rows = db.execute(query.order_by(sessions.c.last_used_at.desc(), sessions.c.id))
    return [LoginSession(*row) for row in rows]


def has_session_from(db: Transaction, user_id: str, network: str) -> bool:
    """Return whether the user has a session, live or recently ended, from this network (core.client_network)."""
    query = select(sessions.c.id).where(sessions.c.user_id == user_id, sessions.c.network == network)
    return db.scalar(query.limit(1)) is not None


def continue_session(
    db: Transaction, session: LoginSession, now: float, *, family_hash: str | None, idle_seconds: float
) -> LoginSession:
    """Store that a session, which is locked, was used, and its new family. Return the changed session."""
    changed = session._replace(
        family_hash=family_hash, last_used_at=now, idle_expires_at=min(now + idle_seconds, session.expires_at)
    )
    values = {
        "family_hash": changed.family_hash,
        "last_used_at": changed.last_used_at,
        "idle_expires_at": changed.idle_expires_at,
    }
    db.execute(update(sessions).where(sessions.c.id == session.id).values(values))
    return changed


def mark_verified(db: Transaction, session_id: str, now: float) -> bool:
    """Store that the user has just entered the password or a code. Return False if the session has ended."""
    query = update(sessions).where(sessions.c.id == session_id, sessions.c.ended_at.is_(None))
    return changed_rows(db, query.values(verified_at=now)) == 1


def end_session(db: Transaction, session_id: str, now: float, reason: str, *, user_id: str | None = None) -> bool:
    """End a session, of `user_id` if given. Return False if there is no such session or it has ended."""
    query = update(sessions).where(sessions.c.id == session_id, sessions.c.ended_at.is_(None))
    if user_id is not None:
        query = query.where(sessions.c.user_id == user_id)
    return changed_rows(db, query.values(ended_at=now, ended_because=reason)) == 1


def end_sessions_of(db: Transaction, user_id: str, now: float, reason: str, *, except_id: str = "") -> None:
    """End all sessions of a user except `except_id`."""
    db.execute(
        update(sessions)
        .where(sessions.c.user_id == user_id, sessions.c.ended_at.is_(None), sessions.c.id != except_id)
        .values(ended_at=now, ended_because=reason)
    )


def _delete_ended_sessions(db: Transaction, user_id: str, now: float) -> None:
    """Delete some of the user's ended sessions. Each login adds one and deletes more, so a surplus shrinks."""
    of_user = sessions.c.user_id == user_id, sessions.c.ended_at.is_not(None)
    newest_beyond = db.scalar(
        select(sessions.c.ended_at).where(*of_user).order_by(sessions.c.ended_at.desc()).offset(MAX_ENDED_SESSIONS)
        .limit(1)
    )  # fmt: skip
    until = now - ENDED_RETENTION_SECONDS
    if newest_beyond is not None:
        until = max(until, min(newest_beyond, now - MIN_ENDED_RETENTION_SECONDS))
    oldest = select(sessions.c.id).where(*of_user, sessions.c.ended_at <= until)
    ids = db.scalars(oldest.order_by(sessions.c.ended_at).limit(MAX_DELETIONS)).all()
    if ids:
        delete_sessions(db, ids)


def delete_sessions(db: Transaction, ids: Sequence[str]) -> None:
    """Delete sessions, and before them at most `MAX_DELETIONS` of their refresh tokens. A session with more stays."""
    some = select(refresh_tokens.c.token_hash).where(refresh_tokens.c.session_id.in_(ids)).limit(MAX_DELETIONS)
    db.execute(delete(refresh_tokens).where(refresh_tokens.c.token_hash.in_(some)))
    has_tokens = exists().where(refresh_tokens.c.session_id == sessions.c.id)
    db.execute(delete(sessions).where(sessions.c.id.in_(ids), ~has_tokens))


# --- Refresh tokens


def add_refresh_token(
    db: Transaction, *, token_hash: str, session_id: str, now: float, parent_hash: str | None = None
) -> None:
    """Insert a refresh token: the first one of a session, or the successor of `parent_hash`."""
    row = {"token_hash": token_hash, "session_id": session_id, "created_at": now, "parent_hash": parent_hash}
    db.execute(insert(refresh_tokens).values(row))


def session_of_refresh_token(db: Transaction, token_hash: str, *, for_update: bool = False) -> LoginSession | None:
    """Return the session. `for_update` locks it, and so the state of all its refresh tokens, until the commit."""
    query = (
        select(sessions)
        .join(refresh_tokens, refresh_tokens.c.session_id == sessions.c.id)
        .where(refresh_tokens.c.token_hash == token_hash)
    )
    return first_row(db, LoginSession, query.with_for_update(of=sessions) if for_update else query)


def session_of_family(db: Transaction, family_hash: str) -> LoginSession | None:
    """Return the session whose refresh tokens begin like this one, locked until the commit."""
    query = select(sessions).where(sessions.c.family_hash == family_hash)
    return first_row(db, LoginSession, query.with_for_update())


def refresh_token_state(db: Transaction, token_hash: str) -> RefreshTokenState | None:
    """Return the state of a refresh token, or None. An earlier statement must have locked its session."""
    token = db.execute(
        select(refresh_tokens.c.rotated_at, refresh_tokens.c.parent_hash).where(
            refresh_tokens.c.token_hash == token_hash
        )
    ).one_or_none()
    if token is None:
        return None
    successors, used = db.execute(
        select(func.count(), func.count(refresh_tokens.c.rotated_at)).where(refresh_tokens.c.parent_hash == token_hash)
    ).one()
    sibling_used_at = None
    if token.parent_hash is not None:  # first tokens have no siblings, but all of them have the parent NULL
        siblings = refresh_tokens.c.parent_hash == token.parent_hash, refresh_tokens.c.token_hash != token_hash
        sibling_used_at = db.scalar(select(func.min(refresh_tokens.c.rotated_at)).where(*siblings))
    return RefreshTokenState(token.rotated_at, sibling_used_at, successors, used > 0)


def mark_rotated(db: Transaction, token_hash: str, now: float) -> None:
    """Store when a refresh token was first exchanged."""
    db.execute(
        update(refresh_tokens)
        .where(refresh_tokens.c.token_hash == token_hash, refresh_tokens.c.rotated_at.is_(None))
        .values(rotated_at=now)
    )


def count_rotations(db: Transaction, session_id: str, since: float, *, at_most: int) -> int:
    """Return how many refresh tokens of a session were exchanged since then. Stops counting at `at_most`."""
    recent = select(refresh_tokens.c.token_hash).where(
        refresh_tokens.c.session_id == session_id, refresh_tokens.c.rotated_at >= since
    )
    return db.scalar(select(func.count()).select_from(recent.limit(at_most).subquery())) or 0


def delete_dead_refresh_tokens(db: Transaction, session_id: str, before: float) -> None:
    """Delete refresh tokens that died before then: they were exchanged, or a sibling was. At most `MAX_DELETIONS`.

    Their family still tells that they belonged to the session (`session_of_family`).
    """
    of_session = refresh_tokens.c.session_id == session_id
    sibling = refresh_tokens.alias()
    lost = (
        of_session,
        refresh_tokens.c.rotated_at.is_(None),
        exists().where(sibling.c.parent_hash == refresh_tokens.c.parent_hash, sibling.c.rotated_at < before),
    )
    # The siblings first: they are recognised by the exchanged one.
    for dead in (lost, (of_session, refresh_tokens.c.rotated_at < before)):
        some = select(refresh_tokens.c.token_hash).where(*dead).limit(MAX_DELETIONS)
        db.execute(delete(refresh_tokens).where(refresh_tokens.c.token_hash.in_(some)))


# --- Revocations


_SINCE = bindparam("since", type_=Float)
_NO_TIME = cast(null(), Float)  # PostgreSQL needs a type in a union
_CHANGES = union_all(
    select(literal("user"), users.c.id, users.c.disabled_at, users.c.access_changed_at).where(
        users.c.access_changed_at >= _SINCE
    ),
    select(literal("session"), sessions.c.id, _NO_TIME, _NO_TIME).where(sessions.c.ended_at >= _SINCE),
    select(literal("api token"), api_tokens.c.id, _NO_TIME, _NO_TIME).where(api_tokens.c.revoked_at >= _SINCE),
)
"""One statement, built once: handshakes wait for it. As three it took 0.7 ms of CPU time."""


def changes_since(db: Transaction, since: float) -> list[tuple[str, str, float | None, float | None]]:
    """Return what was revoked or changed at or after `since`: kind, id, and of users disabled_at, access_changed_at.

    The kinds are `session` (ended for any reason), `api token` (revoked) and `user` (whose rights have changed).
    """
    rows = db.execute(_CHANGES, {"since": since})
    return [(kind, id, disabled_at, changed_at) for kind, id, disabled_at, changed_at in rows]
