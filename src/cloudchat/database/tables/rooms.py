"""The tables of rooms, and the rows of them that services work with. Times are seconds since 1970."""

from typing import NamedTuple

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Named, String, Table, Text, TypedColumns, false

from cloudchat.database.tables.accounts import users
from cloudchat.database.tables.columns import INSTANT, KEY, id_column, metadata, reference

# --- Rooms and their members


class RoomColumns(TypedColumns):
    """A named stream of events, and who may do what in it.

    `version` is raised by every change of the room, its members and its moderation, in the transaction of the change.
    """

    id = id_column()
    name: Named[str] = Column(String(80))  # empty for direct rooms
    name_key: Named[str | None] = Column(KEY, unique=True, index=True)  # only of public rooms; case-folded
    kind: Named[str] = Column(String(16))  # rooms/permissions.py
    topic: Named[str] = Column(String(250), server_default="", default="")
    created_at: Named[float] = Column(INSTANT)
    created_by: Named[str] = Column(String(22), server_default="server")  # a user's id, `cli` or `server`
    archived_at: Named[float | None] = Column(INSTANT)
    slow_mode_seconds: Named[int] = Column(Integer, server_default="0", default=0)
    version: Named[int] = Column(Integer, server_default="1", default=1)
    member_count: Named[int] = Column(Integer, server_default="0", default=0)
    direct_key: Named[str | None] = Column(String(64), unique=True, index=True)  # of the members' ids
    retention_days: Named[int] = Column(Integer, server_default="0", default=0)  # 0: no limit of its own


rooms = Table("rooms", metadata, RoomColumns)


class Room(NamedTuple):
    """A row of `rooms`."""

    id: str
    name: str
    name_key: str | None
    kind: str
    topic: str
    created_at: float
    created_by: str
    archived_at: float | None = None
    slow_mode_seconds: int = 0
    version: int = 1
    member_count: int = 0
    direct_key: str | None = None
    retention_days: int = 0


class MembershipColumns(TypedColumns):
    """A user who is in a room. Every user is in the lobby."""

    room_id: Named[str] = reference(rooms, primary_key=True)
    user_id: Named[str] = reference(users, primary_key=True, index=True)
    role: Named[str] = Column(String(16))
    joined_at: Named[float] = Column(INSTANT)
    muted: Named[bool] = Column(Boolean, server_default=false(), default=False)  # no notifications


memberships = Table("memberships", metadata, MembershipColumns, Index("ix_memberships_room_id_role", "room_id", "role"))


class Membership(NamedTuple):
    """A row of `memberships`."""

    room_id: str
    user_id: str
    role: str
    joined_at: float
    muted: bool = False


class RestrictionColumns(TypedColumns):
    """A moderator's decision about a user in a room. It ends at `until`; NULL: when it is lifted."""

    room_id: Named[str] = reference(rooms, primary_key=True)
    user_id: Named[str] = reference(users, primary_key=True, index=True)
    until: Named[float | None] = Column(INSTANT)
    reason: Named[str] = Column(String(200))
    created_by: Named[str] = Column(String(22))  # a user's id or `cli`
    created_at: Named[float] = Column(INSTANT)


room_mutes = Table("room_mutes", metadata, RestrictionColumns)
"""Users who may read a room and not write in it."""
room_bans = Table("room_bans", metadata, RestrictionColumns)
"""Users who may not become members of a room."""


class Restriction(NamedTuple):
    """A row of `room_mutes` or `room_bans`."""

    room_id: str
    user_id: str
    until: float | None
    reason: str
    created_by: str
    created_at: float


# --- What processes tell each other about rooms


class RoomChangeColumns(TypedColumns):
    """The room's version at its last change that concerns a user, or (`user_id` empty) all members.

    Each process reads the recent ones to find the sockets whose state is out of date.
    """

    room_id: Named[str] = reference(rooms, primary_key=True)
    user_id: Named[str] = Column(String(22), primary_key=True)
    version: Named[int] = Column(Integer)
    at: Named[float] = Column(INSTANT, index=True)


room_changes = Table("room_changes", metadata, RoomChangeColumns)


class RoomNoticeColumns(TypedColumns):
    """A notice that is not known to be in the room's log yet: written with the change, deleted after the append."""

    room_id: Named[str] = reference(rooms, primary_key=True)
    version: Named[int] = Column(Integer, primary_key=True)
    body: Named[str] = Column(Text)  # JSON of protocol.logged_events.NoticeBody
    at: Named[float] = Column(INSTANT)


room_notices = Table("room_notices", metadata, RoomNoticeColumns)


class ReadPositionColumns(TypedColumns):
    """The event up to which a user has read a room: `seq` in the numbering of `epoch`."""

    user_id: Named[str] = reference(users, primary_key=True)
    room_id: Named[str] = reference(rooms, primary_key=True)
    epoch: Named[str] = Column(String(64))
    seq: Named[int] = Column(Integer)


read_positions = Table("read_positions", metadata, ReadPositionColumns)


class LogCheckpointColumns(TypedColumns):
    """The highest position seen in a room's log. If the log ends before it, the store was replaced by an older copy."""

    room_id: Named[str] = reference(rooms, primary_key=True)
    epoch: Named[str] = Column(String(64))
    seq: Named[int] = Column(BigInteger)


log_checkpoints = Table("log_places", metadata, LogCheckpointColumns)  # the name of released databases
