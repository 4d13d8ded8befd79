"""One change of a room: the locked room, the rights of the caller, and everything that must be written with the change.

Every change raises the room's version, stores whom it concerns (`room_changes`), puts a notice for the members into the
outbox (`room_notices`), and adds an audit entry, in one transaction. So no process can miss a change, and a notice is
neither lost nor shown for a change that did not happen.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from msgspec import Struct

from cloudchat.auth.errors import NotFound, PermissionDenied
from cloudchat.core.ids import new_id
from cloudchat.core.timestamps import rfc3339
from cloudchat.database import audit
from cloudchat.database.tables.accounts import User
from cloudchat.database.tables.rooms import Membership, Room
from cloudchat.database.transactions import Database, Transaction
from cloudchat.protocol import events, logged_events
from cloudchat.rooms import repository
from cloudchat.rooms.caller import Caller
from cloudchat.rooms.changes.repository import add_notice, store_change
from cloudchat.rooms.members import repository as members
from cloudchat.rooms.permissions import DESCRIPTIONS, Command, Kind, Role, acting_role, may

EVERYBODY = ""
"""Whom a change concerns: all members, and not one of them."""

RoomChanged = Callable[[str, int], None]
"""Called with a room's id and version after the commit of a change, in the thread of the caller."""


class Notice(Struct, frozen=True):
    """What the members of a room learn about a change; see `protocol.logged_events.NoticeBody`."""

    kind: str
    target: User | None = None
    value: str | None = None


class RoomTransaction:
    """A locked room and the caller who changes it.

    `room` is the row as it shall be. `record` must be called for each change, and writes it.
    """

    def __init__(self, db: Transaction, room: Room, caller: Caller, membership: Membership | None, now: float) -> None:
        self.db = db
        self.room = room
        self.caller = caller
        self.membership = membership
        self.now = now
        self.changed = False
        self._stored = room
        self._added: list[str] = []

    # -- permissions --------------------------------------------------------------------------------------------------

    @property
    def acting_role(self) -> Role:
        """The role with which the caller acts."""
        own = None if self.membership is None else self.membership.role
        return acting_role(self.room.kind, own, self.caller.server_role)

    def may(self, command: Command) -> bool:
        """Return whether the caller may do this."""
        own = None if self.membership is None else self.membership.role
        return may(command, self.room.kind, own, self.caller.server_role)

    def demand(self, command: Command) -> None:
        """Check that the caller may do this. Raises PermissionDenied."""
        if not self.may(command):
            raise permission_denied(command, self.room.kind, is_member=self.membership is not None)

    # -- changes ------------------------------------------------------------------------------------------------------

    def insert_room(self) -> bool:
        """Insert a new room. Return False if its `direct_key` is in use, and the transaction must end.

        Raises Conflict.
        """
        self._stored = self.room
        return repository.insert_room(self.db, self.room)

    def add_member(self, user: User, role: str) -> Membership:
        """Insert a membership."""
        self.room = self.room._replace(member_count=self.room.member_count + 1)
        self._added.append(user.id)
        added = members.add_member(self.db, self.room.id, user.id, role, self.now)
        self._update_own(added)
        return added

    def set_role(self, member: Membership, role: str) -> Membership:
        """Change the role of a member. Return the changed membership."""
        changed = members.set_role(self.db, member, role)
        self._update_own(changed)
        return changed

    def remove_member(self, member: Membership) -> None:
        """Delete a membership."""
        self.room = self.room._replace(member_count=self.room.member_count - 1)
        members.delete_member(self.db, member)

    def record(
        self,
        action: str,
        *,
        concerns: str = EVERYBODY,
        notice: Notice | None = None,
        detail: str = "",
        audited: bool = True,
    ) -> None:
        """Raise the version, and write the changed room with its notice and its audit entry.

        Raises Conflict: another public room has the new name.

        Args:
            concerns: The id of the only user whose state of the room changes; by default all members. Members who were
                added since the last call are concerned in any case: their sockets do not have the room yet.
            detail: For the audit log. Its target is the user whom the change concerns, or the room.
        """
        self.changed = True
        self.room = self.room._replace(version=self.room.version + 1)
        repository.update_room(self.db, self._stored, self.room)
        self._stored = self.room
        for user_id in {concerns, *self._added}:
            store_change(self.db, self.room.id, user_id, self.room.version, self.now)
        self._added.clear()
        if notice is not None:
            add_notice(self.db, self.room.id, self.room.version, self._body(notice), self.now)
        if audited:
            target = concerns or self.room.id
            detail = " ".join(filter(None, [f"room={self.room.id}" if concerns else "", detail]))
            caller = self.caller
            audit.record(
                self.db, self.now, caller.user_id, action, target=target, address=caller.address, detail=detail
            )

    def _update_own(self, member: Membership) -> None:
        if member.user_id == self.caller.user_id:
            self.membership = member

    def _body(self, notice: Notice) -> bytes:
        target = notice.target
        return events.encoder.encode(
            logged_events.NoticeBody(
                kind=notice.kind,
                user=events.User(id=self.caller.user_id, name=self.caller.name),
                target=None if target is None else events.User(id=target.id, name=target.name),
                value=notice.value,
                at=rfc3339(self.now),
            )
        )


class RoomDatabase:
    """Opens transactions that change rooms. Blocking: for threads."""

    def __init__(self, db: Database, changed: RoomChanged) -> None:
        self._db = db
        self._changed = changed

    @contextmanager
    def change(
        self, room_id: str, caller: Caller, now: float, *, also: Command | None = None
    ) -> Iterator[RoomTransaction]:
        """Open a transaction on a locked room.

        `also` is a command that a caller who cannot see the room may have the right to. Raises NotFound: the same error
        for a room that does not exist and for one that the caller cannot see.
        """
        with self._db.write() as db:
            room = repository.lock_room(db, room_id)
            if room is None:
                raise room_not_found()
            member = repository.membership_row(db, room_id, caller.user_id)
            transaction = RoomTransaction(db, room, caller, member, now)
            if not transaction.may(Command.SEE) and (also is None or not transaction.may(also)):
                raise room_not_found()
            yield transaction
        if transaction.changed:
            self._changed(room_id, transaction.room.version)

    @contextmanager
    def create(self, kind: str, caller: Caller, now: float) -> Iterator[RoomTransaction]:
        """Open a transaction for a new room, which the block completes, inserts and records."""
        with self._db.write() as db:
            # The first recorded change, the creation, raises the version to 1.
            room = Room(
                id=new_id(),
                name="",
                name_key=None,
                kind=kind,
                topic="",
                created_at=now,
                created_by=caller.user_id,
                version=0,
            )
            transaction = RoomTransaction(db, room, caller, None, now)
            yield transaction
        if transaction.changed:
            self._changed(room.id, transaction.room.version)


def room_not_found() -> NotFound:
    """Return the error for a room that does not exist or that the caller cannot see."""
    return NotFound("there is no such room")


def permission_denied(command: Command, kind: str, *, is_member: bool) -> PermissionDenied:
    """Return the error for a caller who sees the room but may not do this."""
    if not is_member:
        return PermissionDenied("you are not a member of this room; join it first")
    if kind == Kind.DIRECT:
        return PermissionDenied(f"in a direct room you cannot {DESCRIPTIONS[command]}")
    return PermissionDenied(f"your role in this room does not allow you to {DESCRIPTIONS[command]}")
