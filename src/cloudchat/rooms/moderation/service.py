"""Mutes and bans of users in rooms. Both end by themselves at their time; nothing has to run then."""

from collections.abc import Sequence

from cloudchat.auth.errors import InvalidField, NotFound, PermissionDenied
from cloudchat.auth.repository import user_by_id
from cloudchat.core.timestamps import rfc3339
from cloudchat.database.tables.accounts import User
from cloudchat.database.tables.rooms import Restriction, room_bans, room_mutes
from cloudchat.database.transactions import Database
from cloudchat.rooms import repository as rooms
from cloudchat.rooms.caller import Caller
from cloudchat.rooms.members.service import demand, demand_removable
from cloudchat.rooms.moderation import repository
from cloudchat.rooms.moderation.repository import RestrictedUser
from cloudchat.rooms.names import clean_reason
from cloudchat.rooms.permissions import Command, acting_role, outranks
from cloudchat.rooms.transaction import Notice, RoomDatabase, RoomTransaction

MAX_SECONDS = 366 * 86400


class ModerationService:
    """Mutes and bans users, and lists them. Blocking: call it in threads.

    All changes raise NotFound, and PermissionDenied: the caller's role must be higher than that of the user.
    """

    def __init__(self, db: Database, rooms: RoomDatabase) -> None:
        self._db = db
        self._rooms = rooms

    def mute(
        self, room_id: str, user_id: str, seconds: int | None, reason: str, *, caller: Caller, now: float
    ) -> RestrictedUser:
        """Mute a user, who may read and not write then; without `seconds` until a moderator ends it.

        The mute stays when the user leaves the room and joins it again. Raises InvalidField.
        """
        until, reason = _end_of(seconds, now), clean_reason(reason)
        with self._rooms.change(room_id, caller, now) as change:
            user = _demand_power(change, Command.MUTE, user_id)
            _put(change, room_mutes, user, until, reason)
            change.record("room.mute", concerns=user.id, detail=_detail(until, reason))
            return RestrictedUser(user.id, user.name, until, reason, caller.user_id, now, user.name_key)

    def unmute(self, room_id: str, user_id: str, *, caller: Caller, now: float) -> None:
        """End a mute."""
        with self._rooms.change(room_id, caller, now) as change:
            user = _demand_power(change, Command.MUTE, user_id)
            mute = repository.find(change.db, room_mutes, room_id, user_id, now)
            if mute is None:
                raise NotFound("this user is not muted in this room")
            repository.delete(change.db, room_mutes, mute)
            change.record("room.unmute", concerns=user.id)

    def ban(
        self, room_id: str, user_id: str, seconds: int | None, reason: str, *, caller: Caller, now: float
    ) -> RestrictedUser:
        """Remove a user from a room, and keep the user from becoming a member again.

        Raises:
            InvalidField
            Conflict: The room is the lobby.
        """
        until, reason = _end_of(seconds, now), clean_reason(reason)
        with self._rooms.change(room_id, caller, now) as change:
            user = _demand_power(change, Command.BAN, user_id)
            member = rooms.membership_row(change.db, room_id, user_id)
            if member is not None:
                demand_removable(change, member)
                change.remove_member(member)
            _put(change, room_bans, user, until, reason)
            notice = Notice("removed", target=user) if member is not None else None
            change.record("room.ban", concerns=user.id, notice=notice, detail=_detail(until, reason))
            return RestrictedUser(user.id, user.name, until, reason, caller.user_id, now, user.name_key)

    def unban(self, room_id: str, user_id: str, *, caller: Caller, now: float) -> None:
        """Lift a ban. The user does not become a member again."""
        with self._rooms.change(room_id, caller, now) as change:
            user = _demand_power(change, Command.BAN, user_id)
            ban = repository.find(change.db, room_bans, room_id, user_id, now)
            if ban is None:
                raise NotFound("this user is not banned from this room")
            repository.delete(change.db, room_bans, ban)
            change.record("room.unban", concerns=user.id)

    def muted_users(
        self, room_id: str, after: str | None, limit: int, *, caller: Caller, now: float
    ) -> Sequence[RestrictedUser]:
        """Return a page of the muted users, by name."""
        with self._db.read() as db:
            demand(db, room_id, Command.MUTE, caller)
            return repository.page(db, room_mutes, room_id, after, limit, now)

    def banned_users(
        self, room_id: str, after: str | None, limit: int, *, caller: Caller, now: float
    ) -> Sequence[RestrictedUser]:
        """Return a page of the banned users, by name."""
        with self._db.read() as db:
            demand(db, room_id, Command.BAN, caller)
            return repository.page(db, room_bans, room_id, after, limit, now)


def _end_of(seconds: int | None, now: float) -> float | None:
    if seconds is None:
        return None
    if not 1 <= seconds <= MAX_SECONDS:
        raise InvalidField(
            "seconds", f"a mute or a ban lasts 1 second to {MAX_SECONDS // 86400} days, or until it is lifted"
        )
    return now + seconds


def _demand_power(change: RoomTransaction, command: Command, user_id: str) -> User:
    """Return the user, whose role must be lower than the caller's. Raises NotFound, PermissionDenied."""
    change.demand(command)
    user = user_by_id(change.db, user_id)
    if user is None:
        raise NotFound("there is no such user")
    member = rooms.membership_row(change.db, change.room.id, user_id)
    role = acting_role(change.room.kind, None if member is None else member.role, user.role)
    if not outranks(change.acting_role, role):
        raise PermissionDenied("this user's role in the room is not lower than yours; an owner can lower it first")
    return user


def _put(
    change: RoomTransaction, table: repository.RestrictionTable, user: User, until: float | None, reason: str
) -> None:
    restriction = Restriction(change.room.id, user.id, until, reason, change.caller.user_id, change.now)
    repository.put(change.db, table, restriction)


def _detail(until: float | None, reason: str) -> str:
    end = rfc3339(until) if until is not None else "never"
    return f"until={end} reason={reason!r}" if reason else f"until={end}"
