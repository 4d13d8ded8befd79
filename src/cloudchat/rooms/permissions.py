"""Who may do what in a room: one table of command, kind of room and role. HTTP routes and sockets use the same table.

`python -m cloudchat.rooms.permissions_page` renders it into docs/permissions.md. Pure functions, without I/O.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache

from cloudchat.auth import principal as server_roles
from cloudchat.auth.principal import ADMINISTER, Principal


class Kind(StrEnum):
    """What a room is for. The kind of a room never changes."""

    PUBLIC = "public"
    """Every user can find it and join it."""
    PRIVATE = "private"
    """Its owners choose the members. Other users cannot see that it exists."""
    DIRECT = "direct"
    """The same 2 to 8 people for ever, all with the same rights."""


class Role(StrEnum):
    """The role of a member in a room, the least powerful first. `VISITOR` is a user who is not a member."""

    VISITOR = "visitor"
    READER = "reader"
    MEMBER = "member"
    MODERATOR = "moderator"
    OWNER = "owner"


MEMBER_ROLES = (Role.OWNER, Role.MODERATOR, Role.MEMBER, Role.READER)
"""The roles that a membership can have."""
OPERATOR = "operator"
"""The server role of the command line: it acts as an owner in rooms of every kind."""


class Command(StrEnum):
    """What a user can do in a room."""

    SEE = "see"
    JOIN = "join"
    LEAVE = "leave"
    READ = "read"
    POST = "post"
    EDIT = "edit"
    REACT = "react"
    DELETE = "delete"
    DELETE_OTHERS = "delete_others"
    READ_EDITS = "read_edits"
    SWITCH_NOTIFICATIONS = "switch_notifications"
    LIST_MEMBERS = "list_members"
    ADD_MEMBER = "add_member"
    REMOVE_MEMBER = "remove_member"
    SET_ROLE = "set_role"
    RENAME = "rename"
    SET_TOPIC = "set_topic"
    ARCHIVE = "archive"
    SET_SLOW_MODE = "set_slow_mode"
    SET_RETENTION = "set_retention"
    MUTE = "mute"
    BAN = "ban"
    EXPORT = "export"
    TAKE_OWNERSHIP = "take_ownership"


DESCRIPTIONS: Mapping[Command, str] = {
    Command.SEE: "see the room, its name and its topic",
    Command.JOIN: "join the room without an invitation",
    Command.LEAVE: "leave the room",
    Command.READ: "receive and read messages, see who is online",
    Command.POST: "send messages, show that one is typing",
    Command.EDIT: "edit one's own messages",
    Command.REACT: "add and remove one's own reactions",
    Command.DELETE: "delete one's own messages",
    Command.DELETE_OTHERS: "delete the messages of others",
    Command.READ_EDITS: "read the earlier texts of messages that were edited",
    Command.SWITCH_NOTIFICATIONS: "switch one's own notifications off and on",
    Command.LIST_MEMBERS: "list the members",
    Command.ADD_MEMBER: "add another user",
    Command.REMOVE_MEMBER: "remove a member of a lower role",
    Command.SET_ROLE: "change the role of a member",
    Command.RENAME: "rename the room",
    Command.SET_TOPIC: "change the topic",
    Command.ARCHIVE: "archive the room, and restore it",
    Command.SET_SLOW_MODE: "set the time between two messages of one member",
    Command.SET_RETENTION: "set after how many days messages are deleted",
    Command.MUTE: "mute and unmute a user of a lower role",
    Command.BAN: "ban and unban a user of a lower role",
    Command.EXPORT: "download all messages, with their earlier texts",
    Command.TAKE_OWNERSHIP: "become an owner without being a member",
}

_LOWEST_ROLE: Mapping[Command, tuple[Role | None, Role | None, Role | None]] = {
    # The lowest role that may do it, in public, private and direct rooms. None: no role may.
    Command.SEE: (Role.VISITOR, Role.READER, Role.READER),
    Command.JOIN: (Role.VISITOR, None, None),
    Command.LEAVE: (Role.READER, Role.READER, None),
    Command.READ: (Role.READER, Role.READER, Role.READER),
    Command.POST: (Role.MEMBER, Role.MEMBER, Role.MEMBER),
    Command.EDIT: (Role.MEMBER, Role.MEMBER, Role.MEMBER),
    Command.REACT: (Role.MEMBER, Role.MEMBER, Role.MEMBER),
    Command.DELETE: (Role.MEMBER, Role.MEMBER, Role.MEMBER),
    Command.DELETE_OTHERS: (Role.MODERATOR, Role.MODERATOR, None),
    Command.READ_EDITS: (Role.MODERATOR, Role.MODERATOR, None),
    Command.SWITCH_NOTIFICATIONS: (Role.READER, Role.READER, Role.READER),
    Command.LIST_MEMBERS: (Role.READER, Role.READER, Role.READER),
    Command.ADD_MEMBER: (Role.MODERATOR, Role.OWNER, None),
    Command.REMOVE_MEMBER: (Role.MODERATOR, Role.MODERATOR, None),
    Command.SET_ROLE: (Role.OWNER, Role.OWNER, None),
    Command.RENAME: (Role.OWNER, Role.OWNER, None),
    Command.SET_TOPIC: (Role.OWNER, Role.OWNER, None),
    Command.ARCHIVE: (Role.OWNER, Role.OWNER, None),
    Command.SET_SLOW_MODE: (Role.OWNER, Role.OWNER, None),
    Command.SET_RETENTION: (Role.OWNER, Role.OWNER, None),
    Command.MUTE: (Role.MODERATOR, Role.MODERATOR, None),
    Command.BAN: (Role.MODERATOR, Role.MODERATOR, None),
    Command.EXPORT: (Role.OWNER, Role.OWNER, None),
    Command.TAKE_OWNERSHIP: (None, None, None),  # only administrators of the server, see `may`
}
MEMBERS_ONLY = frozenset(
    {
        Command.LEAVE,
        Command.READ,
        Command.POST,
        Command.EDIT,
        Command.REACT,
        Command.DELETE,
        Command.DELETE_OTHERS,
        Command.READ_EDITS,
        Command.SWITCH_NOTIFICATIONS,
        Command.EXPORT,
    }
)
"""What takes part in the room. A role of the server is not enough for it: join the room first."""
_RANK = {role: rank for rank, role in enumerate(Role)}
_COLUMN = {Kind.PUBLIC: 0, Kind.PRIVATE: 1, Kind.DIRECT: 2}
_ROLE_OF_SERVER_ROLE = {
    server_roles.ADMIN: Role.OWNER,
    server_roles.MODERATOR: Role.MODERATOR,
    OPERATOR: Role.OWNER,
}


@cache  # called for each message; there are few different arguments
def may(command: Command, kind: str, role: str | None, server_role: str) -> bool:
    """Return whether a user may do this in a room of this kind.

    Args:
        role: The role of the user's membership; None without a membership.
        server_role: Of the user's account, as returned by `server_role_of`.
    """
    if command is Command.TAKE_OWNERSHIP:
        return kind == Kind.PRIVATE and server_role == server_roles.ADMIN
    if role is None and command in MEMBERS_ONLY:
        return False
    lowest = _LOWEST_ROLE[command][_COLUMN[Kind(kind)]]
    return lowest is not None and _RANK[acting_role(kind, role, server_role)] >= _RANK[lowest]


@cache
def acting_role(kind: str, role: str | None, server_role: str) -> Role:
    """Return the role with which a user acts in a room.

    In public rooms, administrators and moderators of the server act as owners and moderators. Private and direct rooms
    are closed to them, unless they are members, and then they have the role of their membership.
    """
    own = Role.VISITOR if role is None else Role(role)
    if kind == Kind.PUBLIC or server_role == OPERATOR:
        return max(own, _ROLE_OF_SERVER_ROLE.get(server_role, own), key=_RANK.__getitem__)
    return own


def outranks(role: Role, other: Role) -> bool:
    """Return whether `role` may mute, ban and remove users who act with the role `other`."""
    return _RANK[role] > _RANK[other]


def server_role_of(principal: Principal) -> str:
    """Return the server role with which the principal acts in rooms.

    An administrator whose token lacks the scope `admin` (an API token for chat, a missing second factor) acts as a
    member.
    """
    if principal.role == server_roles.ADMIN and ADMINISTER not in principal.scopes:
        return server_roles.MEMBER
    return principal.role
