"""The tables of accounts, and the rows of them that services work with.

Times are seconds since 1970, ids come from core.ids. Secrets are stored only as hashes or ciphertext.
"""

from typing import NamedTuple

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Named, String, Table, Text, TypedColumns, false

from cloudchat.database.tables.columns import INSTANT, KEY, hash_column, id_column, metadata, reference

# --- Users


class UserColumns(TypedColumns):
    """A person or a bot. Without a `password_hash` a login is not possible, but API tokens work."""

    id = id_column()
    name: Named[str] = Column(String(32))
    name_key: Named[str] = Column(KEY, unique=True)  # case-folded: Ann and ANN are the same name
    # Unique, too: no new name looks like another one (auth/confusables.py). NULL if it did before this was checked.
    name_skeleton: Named[str | None] = Column(String(255), unique=True, index=True)
    password_hash: Named[str | None] = Column(String(255))
    role: Named[str] = Column(String(16))
    must_change_password: Named[bool] = Column(Boolean, server_default=false())
    created_at: Named[float] = Column(INSTANT)
    disabled_at: Named[float | None] = Column(INSTANT)
    access_changed_at: Named[float | None] = Column(INSTANT, index=True)  # sockets with another value are closed
    erased_at: Named[float | None] = Column(INSTANT)  # the name and all texts were removed at the person's request
    totp_secret: Named[str | None] = Column(String(255))  # encrypted by auth/keys/vault.py
    totp_confirmed_at: Named[float | None] = Column(INSTANT)  # until then the secret has only been shown
    totp_last_step: Named[int | None] = Column(BigInteger)  # codes of this 30 s step and older are rejected


users = Table("users", metadata, UserColumns)


class User(NamedTuple):
    """A row of `users`."""

    id: str
    name: str
    name_key: str
    name_skeleton: str | None
    password_hash: str | None
    role: str
    must_change_password: bool
    created_at: float
    disabled_at: float | None = None
    access_changed_at: float | None = None
    erased_at: float | None = None
    totp_secret: str | None = None
    totp_confirmed_at: float | None = None
    totp_last_step: int | None = None

    def __repr__(self) -> str:
        return f"User({self.id!r})"  # a log must not contain the hash or the secret


class RecoveryCodeColumns(TypedColumns):
    """Replaces one code of the second factor's device; deleted when it is used."""

    code_hash = hash_column()
    user_id: Named[str] = reference(users, index=True)


recovery_codes = Table("recovery_codes", metadata, RecoveryCodeColumns)


class ErasureColumns(TypedColumns):
    """The order to erase what a user has written, and whether it has been executed (archive/erasure/)."""

    user_id: Named[str] = reference(users, primary_key=True)
    ordered_at: Named[float] = Column(INSTANT)
    claimed_until: Named[float | None] = Column(INSTANT)  # the process that works on it; others leave it until then
    finished_at: Named[float | None] = Column(INSTANT, index=True)


erasures = Table("erasures", metadata, ErasureColumns)


# --- Sessions, tokens and invites


class LoginSessionColumns(TypedColumns):
    """One sign-in on one device, with the family of its refresh tokens."""

    id = id_column()
    user_id: Named[str] = reference(users)
    client: Named[str] = Column(String(200))  # the device's own description of itself, shown to the user
    network: Named[str] = Column(String(64), server_default="")  # core.client_network of the first login
    created_at: Named[float] = Column(INSTANT)
    last_used_at: Named[float] = Column(INSTANT)
    idle_expires_at: Named[float] = Column(INSTANT)
    expires_at: Named[float] = Column(INSTANT)  # the absolute expiry
    ended_at: Named[float | None] = Column(INSTANT, index=True)
    ended_because: Named[str | None] = Column(String(32))
    family_hash: Named[str | None] = Column(String(64), unique=True, index=True)  # see auth/sessions/service.py
    verified_at: Named[float | None] = Column(INSTANT)  # when the user last entered the password or a code in it


# Every query of a login and of a refresh reads a bounded number of rows, however many sessions a user had. All but the
# first are partial indexes. Migration 0006 has their conditions: here, `postgresql_where` would load the dialect of
# PostgreSQL in every process (20 ms and 2 MiB).
sessions = Table(
    "sessions",
    metadata,
    LoginSessionColumns,
    Index("ix_sessions_user_id_network", "user_id", "network"),
    Index("ix_sessions_live", "user_id", "last_used_at"),
    Index("ix_sessions_idle", "idle_expires_at"),
    Index("ix_sessions_ended", "user_id", "ended_at"),
)


class LoginSession(NamedTuple):
    """A row of `sessions`."""

    id: str
    user_id: str
    client: str
    network: str
    created_at: float
    last_used_at: float
    idle_expires_at: float
    expires_at: float
    ended_at: float | None = None
    ended_because: str | None = None
    family_hash: str | None = None
    verified_at: float | None = None


class RefreshTokenColumns(TypedColumns):
    """One token of a session's family. `rotated_at` is its first exchange; see auth/sessions/refresh_rotation.py."""

    token_hash = hash_column()
    session_id: Named[str] = reference(sessions)
    created_at: Named[float] = Column(INSTANT)
    rotated_at: Named[float | None] = Column(INSTANT)
    parent_hash: Named[str | None] = Column(String(64), index=True)  # the token exchanged for it


refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    RefreshTokenColumns,
    Index("ix_refresh_tokens_session_id_rotated_at", "session_id", "rotated_at"),
)


class ApiTokenColumns(TypedColumns):
    """The record of an API token: the `jti` of the `api+jwt` is this `id`."""

    id = id_column()
    user_id: Named[str] = reference(users, index=True)
    scopes: Named[str] = Column(String(200))  # space-separated, as in OAuth
    label: Named[str] = Column(String(100))
    created_at: Named[float] = Column(INSTANT)
    expires_at: Named[float] = Column(INSTANT)
    last_used_at: Named[float | None] = Column(INSTANT)
    revoked_at: Named[float | None] = Column(INSTANT, index=True)


api_tokens = Table("api_tokens", metadata, ApiTokenColumns)


class InviteColumns(TypedColumns):
    """A one-time right to register."""

    token_hash = hash_column()
    id: Named[str] = Column(String(22), unique=True)
    label: Named[str] = Column(String(100), server_default="")
    created_at: Named[float] = Column(INSTANT)
    expires_at: Named[float] = Column(INSTANT)
    used_at: Named[float | None] = Column(INSTANT)
    used_by: Named[str | None] = Column(String(22), ForeignKey(users.c.id, ondelete="SET NULL"))


invites = Table("invites", metadata, InviteColumns)


# --- The audit log


class AuditEntryColumns(TypedColumns):
    """One administrative or security event, written in the transaction of the change."""

    id = id_column()
    at: Named[float] = Column(INSTANT)
    actor: Named[str] = Column(String(32))  # a user's id, or `cli`, or `server`
    action: Named[str] = Column(String(64))
    target: Named[str] = Column(String(32))
    result: Named[str] = Column(String(16), server_default="done")  # or `refused`
    address: Named[str] = Column(String(64))
    detail: Named[str] = Column(Text)


audit_log = Table("audit_log", metadata, AuditEntryColumns, Index("ix_audit_log_at", "at"))
