"""Rooms and users for tests of the room services."""

from dataclasses import dataclass, field
from typing import Self

from cloudchat.auth.repository import add_user, update_user, user_for_update
from cloudchat.rooms.caller import COMMAND_LINE, Caller
from cloudchat.rooms.summaries.summary import RoomSummary
from cloudchat.rooms.updates import RoomUpdate
from support.account_services import NOW, AccountServices


@dataclass
class Rooms:
    """The room services, with users that are known by their names. Each call is made at `now`."""

    services: AccountServices
    now: float = NOW
    ids: dict[str, str] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)

    @classmethod
    def with_users(cls, services: AccountServices) -> Self:
        """Create the users ann, bob, cid and dan."""
        made = cls(services)
        for name in ("ann", "bob", "cid", "dan"):
            made.user(name)
        return made

    def user(self, name: str, role: str = "member") -> str:
        """Create a user without a password, and return the id."""
        with self.services.db.write() as db:
            self.ids[name] = add_user(db, name=name, password_hash=None, role=role, now=self.now).id
        self.roles[name] = role
        return self.ids[name]

    def disable(self, name: str) -> None:
        with self.services.db.write() as db:
            update_user(db, user_for_update(db, self.ids[name]), disabled_at=self.now)

    def caller(self, name: str) -> Caller:
        """Return the caller for a user; `cli` is the command line."""
        return COMMAND_LINE if name == "cli" else Caller(self.ids[name], name, self.roles[name], "192.0.2.1")

    def create(self, owner: str, kind: str = "private", name: str = "office", users: str = "") -> str:
        """Create a room with members, whose names are separated by blanks. Return its id."""
        ids = [self.ids[user] for user in users.split()]
        return self.services.rooms.create(kind, name, "", ids, caller=self.caller(owner), now=self.now).id

    def direct(self, name: str, *others: str) -> tuple[RoomSummary, bool]:
        ids = [self.ids[other] for other in others]
        return self.services.rooms.open_direct(ids, caller=self.caller(name), now=self.now)

    def put(self, room: str, by: str, who: str, role: str | None = None) -> str:
        """Add a member or change the role; return the role."""
        members = self.services.rooms.members
        return members.put(room, self.ids[who], role, caller=self.caller(by), now=self.now).role

    def remove(self, room: str, by: str, who: str) -> None:
        self.services.rooms.members.remove(room, self.ids[who], caller=self.caller(by), now=self.now)

    def update(self, room: str, by: str, **changes: object) -> RoomSummary:
        update = RoomUpdate(**changes)  # type: ignore[arg-type]
        return self.services.rooms.update(room, update, caller=self.caller(by), now=self.now)

    def mute(self, room: str, by: str, who: str, seconds: int | None = None, reason: str = "") -> None:
        moderation = self.services.rooms.moderation
        moderation.mute(room, self.ids[who], seconds, reason, caller=self.caller(by), now=self.now)

    def unmute(self, room: str, by: str, who: str) -> None:
        self.services.rooms.moderation.unmute(room, self.ids[who], caller=self.caller(by), now=self.now)

    def ban(self, room: str, by: str, who: str, seconds: int | None = None, reason: str = "") -> None:
        moderation = self.services.rooms.moderation
        moderation.ban(room, self.ids[who], seconds, reason, caller=self.caller(by), now=self.now)

    def unban(self, room: str, by: str, who: str) -> None:
        self.services.rooms.moderation.unban(room, self.ids[who], caller=self.caller(by), now=self.now)

    def members(self, room: str) -> dict[str, str]:
        """Return the roles of the members, by name."""
        listed = self.services.rooms.members.list(room, "", None, 1000, caller=COMMAND_LINE)
        return {member.name: member.role for member in listed}

    def of(self, name: str, room: str) -> RoomSummary | None:
        return self.services.rooms.membership(self.ids[name], room)

    def version(self, room: str) -> int:
        return self.services.rooms.changes.facts([room])[room].version
