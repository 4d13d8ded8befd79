"""SQL queries for administrators: users, API tokens and invites."""

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import and_, delete, insert, select, tuple_, update

from cloudchat.auth.errors import NotFound
from cloudchat.auth.principal import ADMIN
from cloudchat.core.ids import new_id
from cloudchat.database.tables.accounts import User, api_tokens, audit_log, invites, users
from cloudchat.database.tables.columns import begins_with
from cloudchat.database.transactions import Transaction, changed_rows, first_row

# All times are seconds since 1970.

# --- Users


class UserSummary(Struct, frozen=True):
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


def users_after(db: Transaction, after: str | None, limit: int, beginning: str = "") -> Sequence[UserSummary]:
    """Return a page of accounts whose name key begins so, oldest first, after the user `after`. Raises NotFound."""
    query = select(users).order_by(users.c.created_at, users.c.id).limit(limit)
    if beginning:
        query = query.where(begins_with(users.c.name_key, beginning))
    if after is not None:
        created_at = db.scalar(select(users.c.created_at).where(users.c.id == after))
        if created_at is None:
            raise NotFound("there is no such user")
        query = query.where(tuple_(users.c.created_at, users.c.id) > (created_at, after))
    return [summary_of(User(*row)) for row in db.execute(query)]


def lock_administrators(db: Transaction) -> Sequence[str]:
    """Return the ids of the enabled administrators, locked until the transaction ends: concurrent demotions wait."""
    query = select(users.c.id).where(users.c.role == ADMIN, users.c.disabled_at.is_(None)).order_by(users.c.id)
    return db.scalars(query.with_for_update()).all()


# --- API tokens


class TokenUser(Struct, frozen=True):
    """The user of an API token."""

    id: str
    name: str


class TokenSummary(Struct, frozen=True):
    """An API token without its secret. `last_used_at` has a resolution of an hour."""

    id: str
    user: TokenUser
    scopes: list[str]
    label: str
    created_at: float
    expires_at: float
    last_used_at: float | None
    revoked_at: float | None


def add_api_token(db: Transaction, *, user_id: str, scopes: str, label: str, now: float, expires_at: float) -> str:
    """Insert the row of an API token. Return its id."""
    token_id = new_id()
    row = {"id": token_id, "user_id": user_id, "scopes": scopes, "label": label, "created_at": now}
    db.execute(insert(api_tokens).values(**row, expires_at=expires_at))
    return token_id


def all_api_tokens(db: Transaction) -> Sequence[TokenSummary]:
    """Return all API tokens, newest first, including those that were revoked or have expired."""
    query = select(api_tokens, users.c.name.label("user_name")).join(users, users.c.id == api_tokens.c.user_id)
    return [
        TokenSummary(
            id=row.id,
            user=TokenUser(row.user_id, row.user_name),
            scopes=row.scopes.split(),
            label=row.label,
            created_at=row.created_at,
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
            revoked_at=row.revoked_at,
        )
        for row in db.execute(query.order_by(api_tokens.c.created_at.desc()))
    ]


def user_of_api_token(db: Transaction, token_id: str) -> User | None:
    """Return the user of an API token, revoked or not; None if there is no such token."""
    if not token_id.isascii():
        return None
    query = select(users).join(api_tokens, api_tokens.c.user_id == users.c.id)
    return first_row(db, User, query.where(api_tokens.c.id == token_id))


def revoke_api_token(db: Transaction, token_id: str, now: float) -> bool:
    """Revoke an API token. Return False if it was revoked before."""
    revoke = (
        update(api_tokens).where(api_tokens.c.id == token_id, api_tokens.c.revoked_at.is_(None)).values(revoked_at=now)
    )
    return changed_rows(db, revoke) == 1


# --- Invites

INVITE_CREATED = "invite.create"
"""The action in the audit log."""


class InviteSummary(Struct, frozen=True):
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


def all_invites(db: Transaction) -> Sequence[InviteSummary]:
    """Return all invites, newest first."""
    creator, registered = users.alias(), users.alias()
    # The audit log has the creator. Its entry is of the same transaction and time, which has an index.
    creation = and_(
        audit_log.c.at == invites.c.created_at,
        audit_log.c.action == INVITE_CREATED,
        audit_log.c.target == invites.c.id,
    )
    query = (
        select(
            invites.c.id,
            invites.c.label,
            invites.c.created_at,
            creator.c.name,
            invites.c.expires_at,
            invites.c.used_at,
            registered.c.name,
        )
        .select_from(invites)
        .outerjoin(audit_log, creation)
        .outerjoin(creator, creator.c.id == audit_log.c.actor)
        .outerjoin(registered, registered.c.id == invites.c.used_by)
        .order_by(invites.c.created_at.desc(), invites.c.id)
    )
    return [InviteSummary(*row) for row in db.execute(query)]


def delete_invite(db: Transaction, invite_id: str) -> bool:
    """Delete an invite. Return False if there is none with this id."""
    return invite_id.isascii() and changed_rows(db, delete(invites).where(invites.c.id == invite_id)) == 1
