"""Walk the table of permissions over HTTP: every command that has a route, by every role, in every kind of room."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import product

import httpx
import pytest

from cloudchat.archive.service import ArchiveService, LogBatch
from cloudchat.database.engine import create_engine
from cloudchat.database.transactions import Database
from cloudchat.rooms.caller import COMMAND_LINE, Caller
from cloudchat.rooms.permissions import MEMBER_ROLES, Command, Kind, Role, may
from cloudchat.rooms.service import RoomService
from support.accounts import Account
from support.chat_users import RATES, signed_in
from support.room_logs import LogWriter
from support.server import RunningServer

SERVER_ROLES = ("member", "moderator", "admin")
OVER_SOCKETS_ONLY = {
    Command.READ,
    Command.POST,
    Command.EDIT,
    Command.REACT,
    Command.DELETE,
    Command.DELETE_OTHERS,
}
NOW = 1_800_000_000.0


@dataclass
class Scene:
    """A server, a user of each server role, and the owner, a reader and an outsider of each room."""

    rooms: RoomService
    archive: ArchiveService
    actors: dict[str, Account]
    owner: Account
    reader: Account
    outsider: Account
    created: int = 0

    def room(self, kind: Kind, actor: Account, role: Role | None) -> str:
        """Create a room in which the actor has this role. The setup uses the services, which is faster."""
        owner = Caller(self.owner.user_id, self.owner.name, "member")
        people = [self.reader.user_id]
        if kind is Kind.DIRECT:
            people += [actor.user_id] if role is not None else []
            return self.rooms.open_direct(people, caller=owner, now=NOW)[0].id
        self.created += 1
        room = self.rooms.create(kind, f"room {self.created}", "", people, caller=owner, now=NOW)
        self.rooms.members.put(room.id, self.reader.user_id, Role.READER, caller=owner, now=NOW)
        if role is not None:
            self.rooms.members.put(room.id, actor.user_id, role, caller=COMMAND_LINE, now=NOW)
        return room.id

    def do(self, command: Command, room: str, actor: Account) -> httpx.Response:
        """Send the request of a command."""
        path, http = f"/api/rooms/{room}", actor.http
        own, reader = f"{path}/members/{actor.user_id}", self.reader.user_id
        match command:
            case Command.SEE:
                return http.get(path)
            case Command.JOIN:
                return http.put(own)
            case Command.LEAVE:
                return http.delete(own)
            case Command.SWITCH_NOTIFICATIONS:
                return http.patch(path, json={"muted": True})
            case Command.LIST_MEMBERS:
                return http.get(f"{path}/members")
            case Command.ADD_MEMBER:
                return http.put(f"{path}/members/{self.outsider.user_id}")
            case Command.REMOVE_MEMBER:
                return http.delete(f"{path}/members/{reader}")
            case Command.SET_ROLE:
                return http.put(f"{path}/members/{reader}", json={"role": "moderator"})
            case Command.RENAME:
                return http.patch(path, json={"name": f"renamed {room}"})
            case Command.SET_TOPIC:
                return http.patch(path, json={"topic": "another"})
            case Command.ARCHIVE:
                return http.patch(path, json={"archived": True})
            case Command.SET_SLOW_MODE:
                return http.patch(path, json={"slow_mode_seconds": 5})
            case Command.MUTE:
                return http.put(f"{path}/mutes/{reader}", json={"reason": "x"})
            case Command.BAN:
                return http.put(f"{path}/bans/{reader}", json={"reason": "x"})
            case Command.READ_EDITS:
                log = LogWriter(room)
                log.message("ann", "hello")
                assert self.archive.fold([LogBatch(room, 0, log.encoded)])
                return http.get(f"{path}/messages/1/edits")
            case Command.EXPORT:
                return http.get(f"{path}/export")
            case Command.TAKE_OWNERSHIP:
                return http.put(own, json={"role": "owner"})
        raise AssertionError(f"no request for {command}")


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    names = [*(f"actor-{role}:{role}" for role in SERVER_ROLES), "olga", "rita", "otto"]
    with RunningServer(environment=RATES) as server, signed_in(server, *names) as accounts:
        *actors, owner, reader, outsider = accounts
        with closing(Database(create_engine(f"sqlite:///{server.state_dir / 'cloudchat.db'}"))) as db:
            actors_by_role = dict(zip(SERVER_ROLES, actors, strict=True))
            yield Scene(RoomService(db), ArchiveService(db), actors_by_role, owner, reader, outsider)


def walked_cells() -> list[tuple[Command, Kind, Role | None]]:
    """Return the cells with a request of their own. A member who joins again changes nothing, as does an owner."""
    cells: list[tuple[Command, Kind, Role | None]] = []
    for command, kind in product(Command, Kind):
        roles = (None, Role.MEMBER) if kind is Kind.DIRECT else (None, *MEMBER_ROLES)
        for role in roles:
            joins_again = command is Command.JOIN and role is not None
            owns_already = command is Command.TAKE_OWNERSHIP and role is Role.OWNER
            if command not in OVER_SOCKETS_ONLY and not joins_again and not owns_already:
                cells.append((command, kind, role))
    return cells


def expected_statuses(command: Command, kind: Kind, role: Role | None, server_role: str) -> set[int]:
    allowed = may(command, kind, role, server_role)
    if command is Command.TAKE_OWNERSHIP:  # the same request is a change of one's own role
        enters = role is not None or may(Command.JOIN, kind, role, server_role)
        allowed = allowed or (enters and may(Command.SET_ROLE, kind, role, server_role))
    if allowed:
        return {200, 204}
    if not may(Command.SEE, kind, role, server_role) or (command is Command.LEAVE and role is None):
        return {404}
    return {403}


@pytest.mark.parametrize("server_role", SERVER_ROLES)
def test_every_cell_of_the_table_holds_over_http(scene: Scene, server_role: str) -> None:
    actor = scene.actors[server_role]
    wrong = []
    cells = walked_cells()
    for command, kind, role in cells:
        response = scene.do(command, scene.room(kind, actor, role), actor)
        if response.status_code not in expected_statuses(command, kind, role, server_role):
            wrong.append((str(command), str(kind), role, response.status_code, response.text))
    assert wrong == []
    assert len(cells) > 150
