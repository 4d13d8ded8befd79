"""SQL queries for administrators: users, API tokens and invites."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, delete, select, tuple_, update
from sqlalchemy.orm import Session, aliased

from cloudchat.auth.errors import NotFound
from cloudchat.auth.principal import ADMIN
from cloudchat.core.ids import new_id
from cloudchat.database.models import ApiToken, AuditEntry, Invite, User
from cloudchat.database.name_keys import begins_with
from cloudchat.database.transactions import changed_rows

# All times are seconds since 1970.

# --- Users


@dataclass(frozen=True, slots=True)
class UserSummary:
    """An account as administrators see it."""

    id: str
    name: str
    role: str
    disabled: bool
    must_change_password: bool
    totp_enabled: bool
    created_at: float


def summary_of(user: User) -> UserSummary:
    """Return the columns of `user` that an administrator may see: no hash and no secret."""
    return UserSummary(
        id=user.id,
        name=user.name,
        role=user.role,
        disabled=user.disabled_at is not None,
        must_change_password=user.must_change_password,
        totp_enabled=user.totp_confirmed_at is not None,
        created_at=user.created_at,
    )


def users_after(db: Session, after: str | None, limit: int, beginning: str = "") -> Sequence[UserSummary]:
    """Return a page of accounts whose name key begins so, oldest first, after the user `after`. Raises NotFound."""
    query = select(User).order_by(User.created_at, User.id).limit(limit)
    if beginning:
        query = query.where(begins_with(User.name_key, beginning))
    if after is not None:
        cursor = db.get(User, after)
        if cursor is None:
            raise NotFound("there is no such user")
        query = query.where(tuple_(User.created_at, User.id) > (cursor.created_at, cursor.id))
    return [summary_of(user) for user in db.scalars(query)]


def lock_administrators(db: Session) -> Sequence[str]:
    """Return the ids of the enabled administrators, locked until the transaction ends: concurrent demotions wait."""
    query = select(User.id).where(User.role == ADMIN, User.disabled_at.is_(None)).order_by(User.id)
    return db.scalars(query.with_for_update()).all()


# --- API tokens


@dataclass(frozen=True, slots=True)
class TokenUser:
    """The user of an API token."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class TokenSummary:
    """An API token without its secret. `last_used_at` has a resolution of an hour."""

    id: str
    user: TokenUser
    scopes: list[str]
    label: str
    created_at: float
    expires_at: float
    last_used_at: float | None
    revoked_at: float | None


def add_api_token(db: Session, *, user_id: str, scopes: str, label: str, now: float, expires_at: float) -> ApiToken:
    """Insert the row of an API token."""
    token = ApiToken(id=new_id(), user_id=user_id, scopes=scopes, label=label, created_at=now, expires_at=expires_at)
    db.add(token)
    return token


def all_api_tokens(db: Session) -> Sequence[TokenSummary]:
    """Return all API tokens, newest first, including those that were revoked or have expired."""
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


def user_of_api_token(db: Session, token_id: str) -> User | None:
    """Return the user of an API token, revoked or not; None if there is no such token."""
    if not token_id.isascii():
        return None
    return db.scalar(select(User).join(ApiToken, ApiToken.user_id == User.id).where(ApiToken.id == token_id))


def revoke_api_token(db: Session, token_id: str, now: float) -> bool:
    """Revoke an API token. Return False if it was revoked before."""
    revoke = update(ApiToken).where(ApiToken.id == token_id, ApiToken.revoked_at.is_(None)).values(revoked_at=now)
    return changed_rows(db, revoke) == 1


# --- Invites

INVITE_CREATED = "invite.create"
"""The action in the audit log."""


@dataclass(frozen=True, slots=True)
class InviteSummary:
    """An invite without its secret.

    `used_by` and `created_by` are usernames. `created_by` is None if the command line created the invite or the user
    is deleted.
    """

    id: str
    label: str
    created_at: float
    created_by: str | None
    expires_at: float
    used_at: float | None
    used_by: str | None


def all_invites(db: Session) -> Sequence[InviteSummary]:
    """Return all invites, newest first."""
    creator, registered = aliased(User), aliased(User)
    # The audit log has the creator. Its entry is of the same transaction and time, which has an index.
    creation = and_(
        AuditEntry.at == Invite.created_at, AuditEntry.action == INVITE_CREATED, AuditEntry.target == Invite.id
    )
    query = (
        select(Invite, creator.name, registered.name)
        .outerjoin(AuditEntry, creation)
        .outerjoin(creator, creator.id == AuditEntry.actor)
        .outerjoin(registered, registered.id == Invite.used_by)
        .order_by(Invite.created_at.desc(), Invite.id)
    )
    return [
        InviteSummary(
            invite.id, invite.label, invite.created_at, created_by, invite.expires_at, invite.used_at, used_by
        )
        for invite, created_by, used_by in db.execute(query)
    ]


def delete_invite(db: Session, invite_id: str) -> bool:
    """Delete an invite. Return False if there is none with this id."""
    return invite_id.isascii() and changed_rows(db, delete(Invite).where(Invite.id == invite_id)) == 1
