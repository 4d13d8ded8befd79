"""SQL queries for the state of tokens: the session or API token row behind a token, and its user."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import or_, select, update

from cloudchat.database.id_lists import IsOneOf, id_list
from cloudchat.database.tables.accounts import api_tokens, sessions, users
from cloudchat.database.transactions import Transaction

_USER = (
    users.c.id,
    users.c.name,
    users.c.role,
    users.c.disabled_at,
    users.c.must_change_password,
    users.c.totp_confirmed_at,
    users.c.access_changed_at,
)
# Built once: handshakes and requests wait for them.
_SESSIONS = (
    select(*_USER, sessions.c.id, sessions.c.expires_at, sessions.c.ended_at, sessions.c.verified_at)
    .join(sessions, sessions.c.user_id == users.c.id)
    .where(IsOneOf(sessions.c.id, id_list("ids")))
)
_API_TOKENS = (
    select(
        *_USER,
        api_tokens.c.id,
        api_tokens.c.expires_at,
        api_tokens.c.revoked_at,
        api_tokens.c.scopes,
        api_tokens.c.last_used_at,
    )
    .join(api_tokens, api_tokens.c.user_id == users.c.id)
    .where(IsOneOf(api_tokens.c.id, id_list("ids")))
)


class TokenStatus(Struct, frozen=True):
    """The current state of a token and of its user. Times are seconds since 1970.

    Only API tokens have `scopes` and `last_used_at`. An access token has all scopes of its user's role; only access
    tokens have `verified_at`.
    """

    user_id: str
    name: str
    role: str
    disabled: bool
    must_change_password: bool
    has_second_factor: bool
    access_changed_at: float | None
    expires_at: float
    revoked: bool
    scopes: str | None = None
    last_used_at: float | None = None
    verified_at: float | None = None


def session_statuses(db: Transaction, session_ids: Collection[str]) -> Mapping[str, TokenStatus]:
    """Return the status of access tokens by the id of their login session, in one query."""
    if not session_ids:
        return {}
    rows = db.execute(_SESSIONS, {"ids": session_ids})
    return {
        session_id: _status(user, expires_at, revoked_at=ended_at, verified_at=verified_at)
        for *user, session_id, expires_at, ended_at, verified_at in rows
    }


def api_token_statuses(db: Transaction, token_ids: Collection[str]) -> Mapping[str, TokenStatus]:
    """Return the status of API tokens by their id, in one query."""
    if not token_ids:
        return {}
    rows = db.execute(_API_TOKENS, {"ids": token_ids})
    return {
        token_id: _status(user, expires_at, revoked_at=revoked_at, scopes=scopes, last_used_at=last_used_at)
        for *user, token_id, expires_at, revoked_at, scopes, last_used_at in rows
    }


def update_last_used(db: Transaction, token_id: str, now: float, *, if_before: float) -> None:
    """Store when an API token was used, unless another process has stored a use after `if_before`."""
    db.execute(
        update(api_tokens)
        .where(
            api_tokens.c.id == token_id,
            or_(api_tokens.c.last_used_at.is_(None), api_tokens.c.last_used_at <= if_before),
        )
        .values(last_used_at=now)
    )


def _status(
    user: Sequence[Any],
    expires_at: float,
    *,
    revoked_at: float | None,
    scopes: str | None = None,
    last_used_at: float | None = None,
    verified_at: float | None = None,
) -> TokenStatus:
    user_id, name, role, disabled_at, must_change_password, totp_confirmed_at, access_changed_at = user
    return TokenStatus(
        user_id=user_id,
        name=name,
        role=role,
        disabled=disabled_at is not None,
        must_change_password=must_change_password,
        has_second_factor=totp_confirmed_at is not None,
        access_changed_at=access_changed_at,
        expires_at=expires_at,
        revoked=revoked_at is not None,
        scopes=scopes,
        last_used_at=last_used_at,
        verified_at=verified_at,
    )
