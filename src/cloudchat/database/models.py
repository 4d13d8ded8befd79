"""The tables. Times are seconds since 1970, ids come from core.ids. Secrets are stored only as hashes or ciphertext."""

from typing import Annotated

from sqlalchemy import BigInteger, Boolean, Double, ForeignKey, Index, Integer, String, Text, false
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Id = Annotated[str, mapped_column(String(22), primary_key=True)]
Instant = Annotated[float, mapped_column(Double)]
UserRef = Annotated[str, mapped_column(String(22), ForeignKey("users.id", ondelete="CASCADE"))]
RoomRef = Annotated[str, mapped_column(String(22), ForeignKey("rooms.id", ondelete="CASCADE"))]
# Compared and ordered by code points, so that a range finds all names with the same beginning.
Key = String(192).with_variant(String(192, collation="C"), "postgresql")
Hash = Annotated[str, mapped_column(String(64), primary_key=True)]


class Model(DeclarativeBase):
    """The base class of the tables."""


class User(Model):
    """A person or a bot. Without a `password_hash` a login is not possible, but API tokens work."""

    __tablename__ = "users"
    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(32))
    name_key: Mapped[str] = mapped_column(Key, unique=True)  # case-folded: Ann and ANN are the same name
    # Unique, too: no new name looks like another one (auth/confusables.py). NULL if it did before this was checked.
    name_skeleton: Mapped[str | None] = mapped_column(String(255), unique=True, index=True)
    password_hash: Mapped[str | None] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(16))
    must_change_password: Mapped[bool] = mapped_column(Boolean, server_default=false())
    created_at: Mapped[Instant]
    disabled_at: Mapped[Instant | None]
    access_changed_at: Mapped[Instant | None] = mapped_column(index=True)  # sockets with another value are closed
    erased_at: Mapped[Instant | None]  # the name and all texts were removed at the person's request
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
    label: Mapped[str] = mapped_column(String(100), server_default="")
    created_at: Mapped[Instant]
    expires_at: Mapped[Instant]
    used_at: Mapped[Instant | None]
    used_by: Mapped[str | None] = mapped_column(String(22), ForeignKey("users.id", ondelete="SET NULL"))


class Room(Model):
    """A named stream of events, and who may do what in it.

    `version` is raised by every change of the room, its members and its moderation, in the transaction of the change.
    """

    __tablename__ = "rooms"
    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(80))  # empty for direct rooms
    name_key: Mapped[str | None] = mapped_column(Key, unique=True, index=True)  # only of public rooms; case-folded
    kind: Mapped[str] = mapped_column(String(16))  # rooms/permissions.py
    topic: Mapped[str] = mapped_column(String(250), server_default="", default="")
    created_at: Mapped[Instant]
    created_by: Mapped[str] = mapped_column(String(22), server_default="server")  # a user's id, `cli` or `server`
    archived_at: Mapped[Instant | None]
    slow_mode_seconds: Mapped[int] = mapped_column(Integer, server_default="0", default=0)
    version: Mapped[int] = mapped_column(Integer, server_default="1", default=1)
    member_count: Mapped[int] = mapped_column(Integer, server_default="0", default=0)
    direct_key: Mapped[str | None] = mapped_column(String(64), unique=True, index=True)  # of the members' ids
    retention_days: Mapped[int] = mapped_column(Integer, server_default="0", default=0)  # 0: no limit of its own


class Membership(Model):
    """A user who is in a room. Every user is in the lobby."""

    __tablename__ = "memberships"
    room_id: Mapped[RoomRef] = mapped_column(primary_key=True)
    user_id: Mapped[UserRef] = mapped_column(primary_key=True, index=True)
    role: Mapped[str] = mapped_column(String(16))
    joined_at: Mapped[Instant]
    muted: Mapped[bool] = mapped_column(Boolean, server_default=false(), default=False)  # no notifications

    __table_args__ = (Index("ix_memberships_room_id_role", "room_id", "role"),)


class _Restriction:
    """The columns of a moderator's decision about a user in a room. It ends at `until`; NULL: when it is lifted."""

    room_id: Mapped[RoomRef] = mapped_column(primary_key=True)
    user_id: Mapped[UserRef] = mapped_column(primary_key=True, index=True)
    until: Mapped[Instant | None]
    reason: Mapped[str] = mapped_column(String(200))
    created_by: Mapped[str] = mapped_column(String(22))  # a user's id or `cli`
    created_at: Mapped[Instant]


class RoomMute(_Restriction, Model):
    """A user who may read a room and not write in it."""

    __tablename__ = "room_mutes"


class RoomBan(_Restriction, Model):
    """A user who may not become a member of a room."""

    __tablename__ = "room_bans"


class RoomChange(Model):
    """The room's version at its last change that concerns a user, or (`user_id` empty) all members.

    Each process reads the recent ones to find the sockets whose state is out of date.
    """

    __tablename__ = "room_changes"
    room_id: Mapped[RoomRef] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(String(22), primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    at: Mapped[Instant] = mapped_column(index=True)


class RoomNotice(Model):
    """A notice that is not known to be in the room's log yet: written with the change, deleted after the append."""

    __tablename__ = "room_notices"
    room_id: Mapped[RoomRef] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    body: Mapped[str] = mapped_column(Text)  # JSON of protocol.logged_events.NoticeBody
    at: Mapped[Instant]


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


class Erasure(Model):
    """The order to erase what a user has written, and whether it has been executed (archive/erasure/)."""

    __tablename__ = "erasures"
    user_id: Mapped[UserRef] = mapped_column(primary_key=True)
    ordered_at: Mapped[Instant]
    claimed_until: Mapped[Instant | None]  # the process that works on it; others leave it alone until then
    finished_at: Mapped[Instant | None] = mapped_column(index=True)


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
