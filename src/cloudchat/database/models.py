"""The tables. Times are seconds since 1970, ids come from core.ids. Secrets are stored only as hashes or ciphertext."""

from typing import Annotated

from sqlalchemy import BigInteger, Boolean, Double, ForeignKey, Index, Integer, String, Text, false
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Id = Annotated[str, mapped_column(String(22), primary_key=True)]
Instant = Annotated[float, mapped_column(Double)]
UserRef = Annotated[str, mapped_column(String(22), ForeignKey("users.id", ondelete="CASCADE"))]
RoomRef = Annotated[str, mapped_column(String(22), ForeignKey("rooms.id", ondelete="CASCADE"))]
Hash = Annotated[str, mapped_column(String(64), primary_key=True)]


class Model(DeclarativeBase):
    """The base class of the tables."""


class User(Model):
    """A person or a bot. Without a `password_hash` a login is not possible, but API tokens work."""

    __tablename__ = "users"
    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(32))
    name_key: Mapped[str] = mapped_column(String(192), unique=True)  # case-folded: Ann and ANN are the same name
    # Unique, too: no new name looks like another one (auth/confusables.py). NULL if it did before this was checked.
    name_skeleton: Mapped[str | None] = mapped_column(String(255), unique=True, index=True)
    password_hash: Mapped[str | None] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(16))
    must_change_password: Mapped[bool] = mapped_column(Boolean, server_default=false())
    created_at: Mapped[Instant]
    disabled_at: Mapped[Instant | None]
    access_changed_at: Mapped[Instant | None] = mapped_column(index=True)  # sockets with another value are closed
    totp_secret: Mapped[str | None] = mapped_column(String(255))  # encrypted by auth/vault.py
    totp_confirmed_at: Mapped[Instant | None]  # until then the secret has only been shown
    totp_last_step: Mapped[int | None] = mapped_column(BigInteger)  # codes of this 30 s step and older are rejected


class RecoveryCode(Model):
    """Replaces one code of the second factor's device; deleted when it is used."""

    __tablename__ = "recovery_codes"
    code_hash: Mapped[Hash]
    user_id: Mapped[UserRef] = mapped_column(index=True)


class LoginSession(Model):
    """One sign-in on one device, with the family of its refresh tokens."""

    __tablename__ = "sessions"
    id: Mapped[Id]
    user_id: Mapped[UserRef]
    client: Mapped[str] = mapped_column(String(200))  # the device's own description of itself, shown to the user
    network: Mapped[str] = mapped_column(String(64), server_default="")  # core.client_network of the first login
    created_at: Mapped[Instant]
    last_used_at: Mapped[Instant]
    idle_expires_at: Mapped[Instant]
    expires_at: Mapped[Instant]  # the absolute expiry
    ended_at: Mapped[Instant | None] = mapped_column(index=True)
    ended_because: Mapped[str | None] = mapped_column(String(32))
    family_hash: Mapped[str | None] = mapped_column(String(64), unique=True, index=True)  # see auth/sessions/service.py
    verified_at: Mapped[Instant | None]  # when the user last entered the password or a code in this session

    # Every query of a login and of a refresh reads a bounded number of rows, however many sessions a user had. All but
    # the first are partial indexes. Migration 0006 has their conditions: here, `postgresql_where` would load the
    # dialect of PostgreSQL in every process (20 ms and 2 MiB).
    __table_args__ = (
        Index("ix_sessions_user_id_network", "user_id", "network"),
        Index("ix_sessions_live", "user_id", "last_used_at"),
        Index("ix_sessions_idle", "idle_expires_at"),
        Index("ix_sessions_ended", "user_id", "ended_at"),
    )


class RefreshToken(Model):
    """One token of a session's family. `rotated_at` is its first exchange; see auth/sessions/refresh_rotation.py."""

    __tablename__ = "refresh_tokens"
    token_hash: Mapped[Hash]
    session_id: Mapped[str] = mapped_column(String(22), ForeignKey("sessions.id", ondelete="CASCADE"))
    created_at: Mapped[Instant]
    rotated_at: Mapped[Instant | None]
    parent_hash: Mapped[str | None] = mapped_column(String(64), index=True)  # the token exchanged for it

    __table_args__ = (Index("ix_refresh_tokens_session_id_rotated_at", "session_id", "rotated_at"),)


class ApiToken(Model):
    """The record of an API token: the `jti` of the `api+jwt` is this `id`."""

    __tablename__ = "api_tokens"
    id: Mapped[Id]
    user_id: Mapped[UserRef] = mapped_column(index=True)
    scopes: Mapped[str] = mapped_column(String(200))  # space-separated, as in OAuth
    label: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[Instant]
    expires_at: Mapped[Instant]
    last_used_at: Mapped[Instant | None]
    revoked_at: Mapped[Instant | None] = mapped_column(index=True)


class Invite(Model):
    """A one-time right to register."""

    __tablename__ = "invites"
    token_hash: Mapped[Hash]
    id: Mapped[str] = mapped_column(String(22), unique=True)
    created_at: Mapped[Instant]
    expires_at: Mapped[Instant]
    used_at: Mapped[Instant | None]
    used_by: Mapped[str | None] = mapped_column(String(22), ForeignKey("users.id", ondelete="SET NULL"))


class Room(Model):
    """A named stream of events. Every user is in a `public` room, without a membership."""

    __tablename__ = "rooms"
    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[Instant]


class Membership(Model):
    """A user who is in a room that is not public."""

    __tablename__ = "memberships"
    room_id: Mapped[RoomRef] = mapped_column(primary_key=True)
    user_id: Mapped[UserRef] = mapped_column(primary_key=True, index=True)
    role: Mapped[str] = mapped_column(String(16))
    joined_at: Mapped[Instant]


class ReadPosition(Model):
    """The event up to which a user has read a room: `seq` in the numbering of `epoch`."""

    __tablename__ = "read_positions"
    user_id: Mapped[UserRef] = mapped_column(primary_key=True)
    room_id: Mapped[RoomRef] = mapped_column(primary_key=True)
    epoch: Mapped[str] = mapped_column(String(64))
    seq: Mapped[int] = mapped_column(Integer)


class LogCheckpoint(Model):
    """The highest position seen in a room's log. If the log ends before it, the store was replaced by an older copy."""

    __tablename__ = "log_places"  # the name of released databases
    room_id: Mapped[RoomRef] = mapped_column(primary_key=True)
    epoch: Mapped[str] = mapped_column(String(64))
    seq: Mapped[int] = mapped_column(BigInteger)


class AuditEntry(Model):
    """One administrative or security event, written in the transaction of the change."""

    __tablename__ = "audit_log"
    id: Mapped[Id]
    at: Mapped[Instant]
    actor: Mapped[str] = mapped_column(String(32))  # a user's id, or `cli`, or `server`
    action: Mapped[str] = mapped_column(String(64))
    target: Mapped[str] = mapped_column(String(32))
    result: Mapped[str] = mapped_column(String(16), server_default="done")  # or `refused`
    address: Mapped[str] = mapped_column(String(64))
    detail: Mapped[str] = mapped_column(Text)

    __table_args__ = (Index("ix_audit_log_at", "at"),)
