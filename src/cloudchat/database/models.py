"""The tables. Times are seconds since 1970; ids are core.ids. Of secrets only hashes are stored, or ciphertext."""

from typing import Annotated

from sqlalchemy import BigInteger, Boolean, Double, ForeignKey, Index, Integer, String, Text, false
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Id = Annotated[str, mapped_column(String(22), primary_key=True)]
Instant = Annotated[float, mapped_column(Double)]
UserRef = Annotated[str, mapped_column(String(22), ForeignKey("users.id", ondelete="CASCADE"))]
RoomRef = Annotated[str, mapped_column(String(22), ForeignKey("rooms.id", ondelete="CASCADE"))]
Hash = Annotated[str, mapped_column(String(64), primary_key=True)]


class Model(DeclarativeBase):
    """What SQLAlchemy hangs the tables on."""


class User(Model):
    """A person or a bot. Without a `password_hash` nobody logs in; API tokens work all the same."""

    __tablename__ = "users"
    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(32))
    name_key: Mapped[str] = mapped_column(String(192), unique=True)  # case-folded: Ann and ANN are one name
    password_hash: Mapped[str | None] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(16))
    must_change_password: Mapped[bool] = mapped_column(Boolean, server_default=false())
    created_at: Mapped[Instant]
    disabled_at: Mapped[Instant | None]
    access_changed_at: Mapped[Instant | None] = mapped_column(index=True)  # sockets that know another value are closed
    totp_secret: Mapped[str | None] = mapped_column(String(255))  # encrypted by auth/vault.py
    totp_confirmed_at: Mapped[Instant | None]  # until then the secret was only shown
    totp_last_step: Mapped[int | None] = mapped_column(BigInteger)  # codes of this 30 s step and older are used up


class RecoveryCode(Model):
    """One login without the second factor's device; deleted when it is used."""

    __tablename__ = "recovery_codes"
    code_hash: Mapped[Hash]
    user_id: Mapped[UserRef] = mapped_column(index=True)


class LoginSession(Model):
    """One sign-in on one device, and the family of refresh tokens that descend from it."""

    __tablename__ = "sessions"
    id: Mapped[Id]
    user_id: Mapped[UserRef] = mapped_column(index=True)
    client: Mapped[str] = mapped_column(String(200))  # what the device called itself, for its owner's eyes
    network: Mapped[str] = mapped_column(String(64), server_default="")  # core.client_network: where it was opened
    created_at: Mapped[Instant]
    last_used_at: Mapped[Instant]
    idle_expires_at: Mapped[Instant]
    expires_at: Mapped[Instant]  # the absolute end
    ended_at: Mapped[Instant | None] = mapped_column(index=True)
    ended_because: Mapped[str | None] = mapped_column(String(32))


class RefreshToken(Model):
    """One link of a family. `rotated_at` is when it was first exchanged; then see auth/sessions/refresh_rotation.py."""

    __tablename__ = "refresh_tokens"
    token_hash: Mapped[Hash]
    session_id: Mapped[str] = mapped_column(String(22), ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[Instant]
    rotated_at: Mapped[Instant | None]
    parent_hash: Mapped[str | None] = mapped_column(String(64), index=True)  # whose exchange made it; perhaps deleted


class ApiToken(Model):
    """What an `api+jwt` stands on: its `jti` is this `id`."""

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
    """A named stream of events; `public` rooms have every user in them, without a membership."""

    __tablename__ = "rooms"
    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[Instant]


class Membership(Model):
    """A user in a room that is not public."""

    __tablename__ = "memberships"
    room_id: Mapped[RoomRef] = mapped_column(primary_key=True)
    user_id: Mapped[UserRef] = mapped_column(primary_key=True, index=True)
    role: Mapped[str] = mapped_column(String(16))
    joined_at: Mapped[Instant]


class ReadPosition(Model):
    """How far a user has read a room; `epoch` says in which numbering."""

    __tablename__ = "read_positions"
    user_id: Mapped[UserRef] = mapped_column(primary_key=True)
    room_id: Mapped[RoomRef] = mapped_column(primary_key=True)
    epoch: Mapped[str] = mapped_column(String(64))
    seq: Mapped[int] = mapped_column(Integer)


class LogCheckpoint(Model):
    """Where a room's log has been seen to stand: a store that ends before it has been set back to an older copy."""

    __tablename__ = "log_checkpoints"
    room_id: Mapped[RoomRef] = mapped_column(primary_key=True)
    epoch: Mapped[str] = mapped_column(String(64))
    seq: Mapped[int] = mapped_column(BigInteger)


class AuditEntry(Model):
    """Who did what to whom, when; written in the transaction of the change itself."""

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
