"""The members of a room: join, leave, add, remove, roles."""

from collections.abc import Collection, Mapping, Sequence

from cloudchat.auth.errors import Conflict, InvalidField, NotFound, PermissionDenied
from cloudchat.auth.repository import user_by_id
from cloudchat.auth.usernames import lookup_key
from cloudchat.core.timestamps import rfc3339
from cloudchat.database.lobby import LOBBY
from cloudchat.database.tables.accounts import User
from cloudchat.database.tables.rooms import Membership, room_bans
from cloudchat.database.transactions import Database, Transaction
from cloudchat.rooms import repository as rooms
from cloudchat.rooms.caller import Caller
from cloudchat.rooms.members import repository
from cloudchat.rooms.members.repository import Member, RoomMember
from cloudchat.rooms.moderation.repository import find as find_restriction
from cloudchat.rooms.permissions import MEMBER_ROLES, OPERATOR, Command, Kind, Role, acting_role, may, outranks
from cloudchat.rooms.summaries.summary import RoomUser
from cloudchat.rooms.transaction import Notice, RoomDatabase, RoomTransaction, permission_denied, room_not_found

MAX_ROOMS_OF_USER = 1000
"""`welcome` lists all rooms of a user. Without a bound, others could add a user to so many that it fails."""


class MemberService:
    """Changes and lists the members of rooms. Blocking: call it in threads."""

    def __init__(self, db: Database, rooms: RoomDatabase) -> None:
        self._db = db
        self._rooms = rooms

    def list(self, room_id: str, beginning: str, after: str | None, limit: int, *, caller: Caller) -> Sequence[Member]:
        """Return a page of the members whose names begin so, by name. Raises NotFound, PermissionDenied."""
        key = lookup_key(beginning) if beginning else ""
        with self._db.read() as db:
            demand(db, room_id, Command.LIST_MEMBERS, caller)
            return [] if key is None else repository.members(db, room_id, key, after, limit)

    def all_of(self, room_id: str) -> Sequence[RoomMember]:
        """Return all members of a room, by name. The caller has checked that they may be seen."""
        with self._db.read() as db:
            return repository.room_members(db, room_id)

    def ids_by_name_key(self, room_id: str, keys: Collection[str]) -> Mapping[str, str]:
        """Return the ids of the members of a room that have one of these name keys, by the key."""
        with self._db.read() as db:
            return repository.member_ids_by_name_key(db, room_id, keys)

    def in_small_rooms(self, user_ids: Collection[str], max_members: int) -> Sequence[RoomMember]:
        """Return the memberships of users in rooms with at most `max_members`."""
        with self._db.read() as db:
            return repository.memberships_in_small_rooms(db, user_ids, max_members)

    def put(self, room_id: str, user_id: str, role: str | None, *, caller: Caller, now: float) -> Member:
        """Make a user a member with this role, or change the role of a member. None: `member`, or the current role.

        With the caller's own id this joins a public room, or makes an administrator an owner of a private room.

        Raises:
            NotFound, InvalidField
            PermissionDenied: Also if the caller is banned.
            Conflict: The user is banned or is in too many rooms, or the room would lose its last owner.
        """
        if role is not None and role not in MEMBER_ROLES:
            raise InvalidField("role", f"a role in a room must be one of {', '.join(MEMBER_ROLES)}")
        takes_ownership = user_id == caller.user_id and role == Role.OWNER
        also = Command.TAKE_OWNERSHIP if takes_ownership else None
        with self._rooms.change(room_id, caller, now, also=also) as change:
            user = user_by_id(change.db, user_id)
            member = rooms.membership_row(change.db, room_id, user_id)
            if takes_ownership and change.may(Command.TAKE_OWNERSHIP):
                member, user = _take_ownership(change, member, user)
            elif member is not None and user is not None:
                if user_id != caller.user_id:  # the answer alone would tell a visitor that the user is a member
                    change.demand(Command.ADD_MEMBER if role is None else Command.SET_ROLE)
                if role is not None and role != member.role:
                    member = _set_role(change, member, user, role)
            elif user_id == caller.user_id:
                member, user = _join(change, user, role)
            else:
                member, user = _add(change, user, role)
            return Member(user.id, user.name, member.role, member.joined_at, user.name_key)

    def remove(self, room_id: str, user_id: str, *, caller: Caller, now: float) -> None:
        """Remove a member; with the caller's own id, leave the room.

        Raises:
            NotFound: There is no such room or member.
            PermissionDenied
            Conflict: The room is the lobby, or it would lose its last owner.
        """
        with self._rooms.change(room_id, caller, now) as change:
            leaves = user_id == caller.user_id
            member = rooms.membership_row(change.db, room_id, user_id)
            if member is None and leaves:
                raise NotFound("you are not a member of this room")
            change.demand(Command.LEAVE if leaves else Command.REMOVE_MEMBER)
            user = user_by_id(change.db, user_id)
            if member is None or user is None:
                raise NotFound("there is no such member in this room")
            if not leaves:
                _demand_higher_role(change, member, user)
            demand_removable(change, member)
            change.remove_member(member)
            if leaves:
                change.record("room.leave", concerns=user_id, notice=Notice("left"))
            else:
                change.record("room.member.remove", concerns=user_id, notice=Notice("removed", target=user))

    def leave_all(self, user: RoomUser, now: float) -> None:
        """End the memberships of an erased user, except those in the lobby and in direct rooms.

        Each room is one transaction, and loses its last owner if necessary. `user` has the new name.
        """
        with self._db.read() as db:
            room_ids = repository.rooms_to_leave(db, user.id)
        for room_id in room_ids:
            with self._rooms.change(room_id, Caller(user.id, user.name, OPERATOR), now) as change:
                if change.membership is not None:
                    change.remove_member(change.membership)
                    change.record("room.leave", concerns=user.id, notice=Notice("left"))

    def show_new_name(self, user_id: str, now: float) -> None:
        """Make all processes read the names in the direct rooms of an erased user again."""
        with self._db.read() as db:
            room_ids = repository.direct_rooms_of(db, user_id)
        for room_id in room_ids:
            with self._rooms.change(room_id, Caller(user_id, "", OPERATOR), now) as change:
                for member in repository.members(change.db, room_id, "", None, change.room.member_count):
                    change.record("room.member.rename", concerns=member.id, audited=False)


def demand(db: Transaction, room_id: str, command: Command, caller: Caller) -> None:
    """Check that the caller may do this in a room, without a change. Raises NotFound, PermissionDenied."""
    room = rooms.room_by_id(db, room_id)
    if room is None:
        raise room_not_found()
    member = rooms.membership_row(db, room_id, caller.user_id)
    role = None if member is None else member.role
    if not may(Command.SEE, room.kind, role, caller.server_role):
        raise room_not_found()
    if not may(command, room.kind, role, caller.server_role):
        raise permission_denied(command, room.kind, is_member=member is not None)


def demand_room_for_another(db: Transaction, user: User) -> None:
    """Check that the user can be in one more room. Raises Conflict."""
    if rooms.count_rooms_of(db, user.id, at_most=MAX_ROOMS_OF_USER) >= MAX_ROOMS_OF_USER:
        raise Conflict(f"{user.name} is in {MAX_ROOMS_OF_USER} rooms already, and must leave one first", field="users")


def demand_removable(change: RoomTransaction, member: Membership) -> None:
    """Check that the room can do without this member. Raises Conflict."""
    if change.room.id == LOBBY:
        raise Conflict("every user is a member of the lobby; mute or disable the user instead")
    _demand_another_owner(change, member, leaves=True)


def _demand_another_owner(change: RoomTransaction, member: Membership, *, leaves: bool) -> None:
    """Check that a private room with members has an owner without this one. Raises Conflict."""
    room_id = change.room.id
    if change.room.kind != Kind.PRIVATE or member.role != Role.OWNER:
        return
    if rooms.other_member_exists(change.db, room_id, member.user_id, role=Role.OWNER):
        return
    if not leaves or rooms.other_member_exists(change.db, room_id, member.user_id):
        raise Conflict("this is the last owner of the room; first make another member an owner", field="role")


def _demand_higher_role(change: RoomTransaction, member: Membership, user: User) -> None:
    role, other = change.acting_role, acting_role(change.room.kind, member.role, user.role)
    if not outranks(role, other) and not role == other == Role.OWNER:
        raise PermissionDenied("this member's role is not lower than yours")


def _take_ownership(change: RoomTransaction, member: Membership | None, user: User | None) -> tuple[Membership, User]:
    if user is None:
        raise NotFound("there is no such user")
    if member is None:
        member = change.add_member(user, Role.OWNER)
    elif member.role == Role.OWNER:
        return member, user
    else:
        member = change.set_role(member, Role.OWNER)
    change.record("room.take_ownership", concerns=user.id, notice=Notice("role", target=user, value=Role.OWNER))
    return member, user


def _set_role(change: RoomTransaction, member: Membership, user: User, role: str) -> Membership:
    change.demand(Command.SET_ROLE)
    _demand_another_owner(change, member, leaves=False)
    detail = f"role={role} before={member.role}"
    notice = Notice("role", target=user, value=role)
    changed = change.set_role(member, role)
    change.record("room.member.role", concerns=user.id, notice=notice, detail=detail)
    return changed


def _join(change: RoomTransaction, user: User | None, role: str | None) -> tuple[Membership, User]:
    change.demand(Command.JOIN)
    if user is None:
        raise NotFound("there is no such user")
    if (ban := find_restriction(change.db, room_bans, change.room.id, user.id, change.now)) is not None:
        end = f"until {rfc3339(ban.until)}" if ban.until is not None else "until a moderator lifts the ban"
        raise PermissionDenied(f"you are banned from this room {end}")
    if role not in (None, Role.MEMBER):
        change.demand(Command.SET_ROLE)
    demand_room_for_another(change.db, user)
    member = change.add_member(user, role or Role.MEMBER)
    change.record("room.join", concerns=user.id, notice=Notice("joined"), detail=f"role={member.role}")
    return member, user


def _add(change: RoomTransaction, user: User | None, role: str | None) -> tuple[Membership, User]:
    change.demand(Command.ADD_MEMBER)
    if role not in (None, Role.MEMBER):
        change.demand(Command.SET_ROLE)
    if user is None or user.disabled_at is not None:
        raise NotFound("there is no such user")
    if find_restriction(change.db, room_bans, change.room.id, user.id, change.now) is not None:
        raise Conflict("this user is banned from the room; lift the ban first")
    demand_room_for_another(change.db, user)
    member = change.add_member(user, role or Role.MEMBER)
    notice = Notice("added", target=user, value=member.role)
    change.record("room.member.add", concerns=user.id, notice=notice, detail=f"role={member.role}")
    return member, user
