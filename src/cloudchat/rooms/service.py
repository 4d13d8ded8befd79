"""Rooms: create, find, change. Each change is one transaction (`transaction.py`)."""

import hashlib
from collections.abc import Collection, Sequence

from cloudchat.auth.errors import Conflict, InvalidField, NotFound
from cloudchat.auth.usernames import lookup_key
from cloudchat.database.tables.accounts import User
from cloudchat.database.transactions import Database
from cloudchat.rooms import repository
from cloudchat.rooms.caller import Caller
from cloudchat.rooms.changes.service import RoomChanges
from cloudchat.rooms.members.service import MemberService, demand_room_for_another
from cloudchat.rooms.moderation.service import ModerationService
from cloudchat.rooms.names import clean_name, clean_topic, name_key
from cloudchat.rooms.permissions import Command, Kind, Role, may
from cloudchat.rooms.repository import ListedRoom, PublicRoom
from cloudchat.rooms.summaries import repository as summaries
from cloudchat.rooms.summaries.summary import RoomSummary
from cloudchat.rooms.transaction import Notice, RoomChanged, RoomDatabase, RoomTransaction, room_not_found
from cloudchat.rooms.updates import RoomUpdate, apply_update

MIN_DIRECT_USERS = 2
MAX_DIRECT_USERS = 8
MAX_FIRST_MEMBERS = 100
"""Users that can be added with the creation of a room. Others are added one by one."""
_MAX_ATTEMPTS = 3


def _no_listener(_room_id: str, _version: int) -> None:
    pass


class RoomService:
    """Everything that users do with rooms. Blocking: call it in threads. All methods raise `DatabaseUnavailable`.

    `members`, `moderation` and `changes` are the services for those parts. `changed` is called after each change.
    """

    def __init__(self, db: Database, changed: RoomChanged = _no_listener) -> None:
        self._db = db
        self._rooms = RoomDatabase(db, changed)
        self.members = MemberService(db, self._rooms)
        self.moderation = ModerationService(db, self._rooms)
        self.changes = RoomChanges(db)

    # -- reading ------------------------------------------------------------------------------------------------------

    def rooms_of(self, user_id: str) -> list[RoomSummary]:
        """Return the rooms that the user is in, the oldest first."""
        with self._db.read() as db:
            return summaries.rooms_of(db, user_id)

    def membership(self, user_id: str, room_id: str) -> RoomSummary | None:
        """Return one room that the user is in, or None."""
        with self._db.read() as db:
            return summaries.membership(db, user_id, room_id)

    def page_of(self, user_id: str, after: tuple[float, str] | None, limit: int) -> Sequence[RoomSummary]:
        """Return a page of the rooms that the user is in, the oldest first."""
        with self._db.read() as db:
            return summaries.rooms_page(db, user_id, after, limit)

    def place_of(self, room_id: str) -> tuple[float, str] | None:
        """Return the place of a room in lists of rooms, the oldest first; None if the room does not exist."""
        with self._db.read() as db:
            created_at = repository.created_at(db, room_id)
        return None if created_at is None else (created_at, room_id)

    def get(self, room_id: str, caller: Caller) -> RoomSummary:
        """Return a room. Raises NotFound if the caller cannot see it."""
        with self._db.read() as db:
            found = summaries.membership(db, caller.user_id, room_id)
            room = None if found is not None else repository.room_by_id(db, room_id)
            if room is not None and may(Command.SEE, room.kind, None, caller.server_role):
                found = summaries.as_visitor(room)
        if found is None:
            raise room_not_found()
        return found

    def read_by_others(self, room: RoomSummary) -> dict[str, int] | None:
        """Return up to where the others in a direct room have read it, by user id; None for other rooms."""
        if room.kind != Kind.DIRECT:
            return None
        with self._db.read() as db:
            positions = summaries.read_seqs(db, room.id)
        return {user.id: positions.get(user.id, 0) for user in room.users}

    def find_public(self, caller: Caller, part: str, after: str | None, limit: int) -> Sequence[PublicRoom]:
        """Return a page of the public rooms with `part` in their names, by name. Archived rooms are left out."""
        key = lookup_key(part) if part else ""
        if key is None:
            return []
        with self._db.read() as db:
            return repository.public_rooms(db, caller.user_id, key, after, limit)

    def list_all(self, after: tuple[float, str] | None, limit: int) -> Sequence[ListedRoom]:
        """Return a page of all rooms, for operators, the oldest first."""
        with self._db.read() as db:
            return repository.all_rooms(db, after, limit)

    def find_named(self, part: str, after: tuple[float, str] | None, limit: int) -> Sequence[ListedRoom]:
        """Return a page of the public and private rooms with `part` in their names, for administrators."""
        key = lookup_key(part) if part else ""
        if key is None:
            return []
        with self._db.read() as db:
            return repository.named_rooms(db, part, key, after, limit)

    def find(self, name: str) -> ListedRoom:
        """Return the room with this id, or the public room with this name, for operators. Raises NotFound."""
        with self._db.read() as db:
            room = repository.room_by_id(db, name) if name.isascii() else None
            if room is None and (key := lookup_key(name)):
                room = repository.room_by_name_key(db, key)
        if room is None:
            raise NotFound(f"there is no room {name!a}; see: cloudchat admin rooms list")
        return repository.listed(room)

    # -- creating -----------------------------------------------------------------------------------------------------

    def create(
        self,
        kind: str,
        name: str,
        topic: str,
        user_ids: Collection[str],
        *,
        caller: Caller,
        now: float,
        owner_id: str | None = None,
    ) -> RoomSummary:
        """Create a public or private room with its first members. The caller, or `owner_id`, becomes its owner.

        Raises:
            InvalidField
            Conflict: Another public room has this name, or a user is in too many rooms.
        """
        name, topic = clean_name(name), clean_topic(topic)
        owner_id = owner_id or caller.user_id
        added = sorted(set(user_ids) - {owner_id})
        if len(added) > MAX_FIRST_MEMBERS:
            raise InvalidField(
                "users", f"a new room can have at most {MAX_FIRST_MEMBERS} other members; add more later"
            )
        with self._rooms.create(kind, caller, now) as change:
            users = _demand_users(change, [owner_id, *added])
            key = name_key(name) if kind == Kind.PUBLIC else None
            change.room = change.room._replace(name=name, name_key=key, topic=topic)
            change.insert_room()
            change.add_member(users[owner_id], Role.OWNER)
            change.record("room.create", notice=Notice("created", value=name), detail=f"kind={kind}")
            for user_id in added:
                change.add_member(users[user_id], Role.MEMBER)
                change.record(
                    "room.member.add",
                    concerns=user_id,
                    notice=Notice("added", target=users[user_id], value=Role.MEMBER),
                    detail=f"role={Role.MEMBER}",
                )
        return self.get(change.room.id, caller)

    def open_direct(self, user_ids: Collection[str], *, caller: Caller, now: float) -> tuple[RoomSummary, bool]:
        """Return the direct room of the caller and these users, and whether this call has created it.

        The same people always get the same room, also when several of them ask at the same time, in several processes:
        the unique `direct_key` decides, and the others find the room of the first.

        Raises:
            InvalidField, Conflict
        """
        people = sorted({caller.user_id, *user_ids})
        if not MIN_DIRECT_USERS <= len(people) <= MAX_DIRECT_USERS:
            others = f"{MIN_DIRECT_USERS - 1} to {MAX_DIRECT_USERS - 1} other users"
            raise InvalidField("users", f"a direct room has you and {others}")
        key = direct_key(people)
        for _ in range(_MAX_ATTEMPTS):
            with self._db.read() as db:
                existing = repository.room_by_direct_key(db, key)
            if existing is not None:
                return self.get(existing.id, caller), False
            created = self._create_direct(key, people, caller, now)
            if created is not None:
                return self.get(created, caller), True
        raise Conflict("another user creates this direct room at this moment; try again")

    def _create_direct(self, key: str, people: Sequence[str], caller: Caller, now: float) -> str | None:
        try:
            with self._rooms.create(Kind.DIRECT, caller, now) as change:
                _insert_direct(change, key, people)
                return change.room.id
        except _CreatedByAnother:  # raised out of the transaction, which cannot continue after the conflict
            return None

    # -- changing -----------------------------------------------------------------------------------------------------

    def update(self, room_id: str, update: RoomUpdate, *, caller: Caller, now: float) -> RoomSummary:
        """Change a room. All changes are made, or none.

        Raises:
            NotFound, PermissionDenied, InvalidField
            Conflict: The room is archived, or another public room has this name.
        """
        with self._rooms.change(room_id, caller, now) as change:
            apply_update(change, update)
        return self.get(room_id, caller)


def direct_key(user_ids: Collection[str]) -> str:
    """Return the key of the direct room of these people."""
    return hashlib.sha256("\n".join(sorted(user_ids)).encode(errors="surrogatepass")).hexdigest()


class _CreatedByAnother(Exception):
    """Another transaction has created the direct room."""


def _insert_direct(change: RoomTransaction, key: str, people: Sequence[str]) -> None:
    """Insert a direct room with its members. Raises _CreatedByAnother, InvalidField, Conflict."""
    if repository.room_by_direct_key(change.db, key) is not None:
        raise _CreatedByAnother
    users = _demand_users(change, people)
    change.room = change.room._replace(direct_key=key)
    if not change.insert_room():
        raise _CreatedByAnother
    for user_id in people:
        change.add_member(users[user_id], Role.MEMBER)
    change.record("room.create", notice=Notice("created"), detail=f"kind={Kind.DIRECT}")


def _demand_users(change: RoomTransaction, user_ids: Sequence[str]) -> dict[str, User]:
    """Return the users. Raises InvalidField if one does not exist or is disabled, and Conflict."""
    users = repository.enabled_users(change.db, user_ids)
    for user_id in user_ids:
        if user_id not in users:
            raise InvalidField("users", f"there is no user with the id {user_id!a}")
        demand_room_for_another(change.db, users[user_id])
    return users
