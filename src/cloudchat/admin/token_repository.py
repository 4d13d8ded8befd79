"""API tokens in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cloudchat.core.ids import new_id
from cloudchat.database.models import ApiToken, User
from cloudchat.database.transactions import changed_rows


@dataclass(frozen=True, slots=True)
class TokenUser:
    """For whom a token speaks."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class TokenSummary:
    """An API token, without the token. Times are seconds since 1970; `last_used_at` is right to the hour."""

    id: str
    user: TokenUser
    scopes: list[str]
    label: str
    created_at: float
    expires_at: float
    last_used_at: float | None
    revoked_at: float | None


def add_api_token(db: Session, *, user_id: str, scopes: str, label: str, now: float, expires_at: float) -> ApiToken:
    """Insert the row that an API token stands on."""
    token = ApiToken(id=new_id(), user_id=user_id, scopes=scopes, label=label, created_at=now, expires_at=expires_at)
    db.add(token)
    return token


def all_api_tokens(db: Session) -> Sequence[TokenSummary]:
    """Every API token there ever was, the newest first."""
    query = select(ApiToken, User.name).join(User, User.id == ApiToken.user_id).order_by(ApiToken.created_at.desc())
    return [
        TokenSummary(
            id=token.id,
            user=TokenUser(token.user_id, name),
            scopes=token.scopes.split(),
            label=token.label,
            created_at=token.created_at,
            expires_at=token.expires_at,
            last_used_at=token.last_used_at,
            revoked_at=token.revoked_at,
        )
        for token, name in db.execute(query)
    ]


def has_api_token(db: Session, token_id: str) -> bool:
    """Whether there is, or was, one of this id."""
    return token_id.isascii() and db.get(ApiToken, token_id) is not None


def revoke_api_token(db: Session, token_id: str, now: float) -> bool:
    """Revoke; False if that was done before."""
    revoke = update(ApiToken).where(ApiToken.id == token_id, ApiToken.revoked_at.is_(None)).values(revoked_at=now)
    return changed_rows(db, revoke) == 1
