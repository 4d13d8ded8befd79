"""Walk the table of permissions: every command, by every role, in every kind of room, over HTTP and on sockets."""

import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import product

import httpx
import pytest

from cloudchat.archive.folding.batch_fold import LogBatch
from cloudchat.archive.service import ArchiveService
from cloudchat.database.engine import create_engine
from cloudchat.database.transactions import Database
from cloudchat.rooms.caller import COMMAND_LINE, Caller
from cloudchat.rooms.permissions import MEMBER_ROLES, Command, Kind, Role, may
from cloudchat.rooms.service import RoomService
from support.accounts import Account
from support.chat_users import RATES, room_of, signed_in
from support.room_logs import LogWriter
from support.server import RunningServer
from support.socket import ChatSocket, Frame

SERVER_ROLES = ("member", "moderator", "admin")
IN_THE_LOG = (
    Command.READ,
    Command.POST,
    Command.EDIT,
    Command.REACT,
    Command.DELETE,
    Command.DELETE_OTHERS,
)
"""What users do with messages, in an order in which each is possible: on sockets, and two of them over HTTP, too."""
NOW = 1_800_000_000.0


@dataclass
class Scene:
    """A server, a user of each server role, and the owner, a reader and an outsider of each room."""

    ws_url: str
    rooms: RoomService
    archive: ArchiveService
    actors: dict[str, Account]
    owner: Account
    reader: Account
    outsider: Account
    created: int = 0
    now: float = NOW

    def room(self, kind: Kind, actor: Account, role: Role | None) -> str:
        """Create a room in which the actor has this role. The setup uses the services, which is faster."""
        self.now += 1  # with hundreds of events in one millisecond, the archive would look for free ids for long
        owner = Caller(self.owner.user_id, self.owner.name, "member")
        people = [self.reader.user_id]
        if kind is Kind.DIRECT:
            people += [actor.user_id] if role is not None else []
            return self.rooms.open_direct(people, caller=owner, now=self.now)[0].id
        self.created += 1
        room = self.rooms.create(kind, f"room {self.created}", "", people, caller=owner, now=self.now)
        self.rooms.members.put(room.id, self.reader.user_id, Role.READER, caller=owner, now=self.now)
        if role is not None:
            self.rooms.members.put(room.id, actor.user_id, role, caller=COMMAND_LINE, now=self.now)
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
            case Command.SET_RETENTION:
                return http.patch(path, json={"retention_days": 30})
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
    environment = {**RATES, "CLOUDCHAT_SENDS_PER_10S": "1000"}
    with RunningServer(environment=environment) as server, signed_in(server, *names) as accounts:
        *actors, owner, reader, outsider = accounts
        with closing(Database(create_engine(f"sqlite:///{server.state_dir / 'cloudchat.db'}"))) as db:
            actors_by_role = dict(zip(SERVER_ROLES, actors, strict=True))
            yield Scene(server.ws_url, RoomService(db), ArchiveService(db), actors_by_role, owner, reader, outsider)


def walked_cells() -> list[tuple[Command, Kind, Role | None]]:
    """Return the cells with a request of their own. A member who joins again changes nothing, as does an owner."""
    cells: list[tuple[Command, Kind, Role | None]] = []
    for command, kind in product(Command, Kind):
        roles = (None, Role.MEMBER) if kind is Kind.DIRECT else (None, *MEMBER_ROLES)
        for role in roles:
            joins_again = command is Command.JOIN and role is not None
            owns_already = command is Command.TAKE_OWNERSHIP and role is Role.OWNER
            if command not in IN_THE_LOG and not joins_again and not owns_already:
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


# -- messages ---------------------------------------------------------------------------------------------------------


class Talk:
    """A room with a message of its owner and, if the actor was ever a member, one of the actor."""

    def __init__(self, scene: Scene, kind: Kind, actor: Account, sockets: tuple[ChatSocket, ChatSocket]) -> None:
        self._scene = scene
        self._kind = kind
        self._actor = actor
        self._owners_socket, self._socket = sockets
        self.room = ""
        self._seqs: dict[str, int] = {}

    def prepare(self, role: Role | None) -> None:
        """Create the room over HTTP, so that every change is known when the response arrives."""
        scene, actor = self._scene, self._actor
        has_actor = role is not None or self._kind is not Kind.DIRECT
        people = [scene.reader, *([actor] if has_actor else [])]
        self.room = room_of(scene.owner, self._kind, self._name(), *people)
        self._seqs["others"] = self._say(self._owners_socket)
        self._seqs["own"] = self._say(self._socket) if has_actor else self._seqs["others"]
        path = f"/api/rooms/{self.room}/members/{actor.user_id}"
        if role is None and has_actor:
            scene.owner.http.delete(path).raise_for_status()
        elif role not in (None, Role.MEMBER):
            scene.owner.http.put(path, json={"role": role}).raise_for_status()

    def replies(self, command: Command) -> list[str]:
        """Do what the command stands for in each possible way. Return the type or the error of each reply."""
        path, http, socket = f"/api/rooms/{self.room}", self._actor.http, self._socket
        cid = str(uuid.uuid4())
        match command:
            case Command.READ:
                frames = [
                    socket.join(self.room, limit=0),
                    socket.command("history", room=self.room, after=0),
                    socket.command("who", room=self.room),
                    socket.command("read", room=self.room, seq=1),
                ]
                return [*map(_outcome, frames), _outcome_of(http.get(f"{path}/history", params={"after": 0}))]
            case Command.POST:
                posted = http.post(f"{path}/messages", json={"text": "b"}, headers={"Idempotency-Key": cid})
                return [_outcome(socket.send("a", self.room)), _outcome_of(posted)]
            case Command.EDIT:
                return [self._change("edit", "own", text="c")]
            case Command.REACT:
                return [self._change("react", "others", emoji="👍", on=True)]
            case Command.DELETE:
                return [self._change("delete", "own")]
            case Command.DELETE_OTHERS:
                return [self._change("delete", "others")]
        raise AssertionError(f"no message for {command}")

    def _name(self) -> str | None:
        self._scene.created += 1
        return None if self._kind is Kind.DIRECT else f"talk {self._scene.created}"

    def _say(self, socket: ChatSocket) -> int:
        assert socket.join(self.room)["type"] == "joined"
        seq: int = socket.send("hello", self.room)["seq"]
        return seq

    def _change(self, type_: str, whose: str, **fields: object) -> str:
        cid = str(uuid.uuid4())
        return _outcome(self._socket.command(type_, room=self.room, cid=cid, seq=self._seqs[whose], **fields))


def _outcome(frame: Frame) -> str:
    return str(frame["code"]) if frame["type"] == "error" else "done"


def _outcome_of(response: httpx.Response) -> str:
    return "done" if response.is_success else str(response.json()["error"]["code"])


@pytest.mark.parametrize("server_role", SERVER_ROLES)
def test_every_cell_of_messages_holds_on_sockets_and_over_http(scene: Scene, server_role: str) -> None:
    actor, owner = scene.actors[server_role], scene.owner
    wrong = []
    cells = 0
    with (
        ChatSocket(scene.ws_url, owner.access_token) as owners_socket,
        ChatSocket(scene.ws_url, actor.access_token) as socket,
    ):
        for kind in Kind:
            talk = Talk(scene, kind, actor, (owners_socket, socket))
            for role in (None, Role.MEMBER) if kind is Kind.DIRECT else (None, *MEMBER_ROLES):
                talk.prepare(role)
                for command in IN_THE_LOG:
                    allowed = may(command, kind, role, server_role)
                    expected = "done" if allowed else "not_found" if role is None else "forbidden"
                    for reply in talk.replies(command):
                        cells += 1
                        if reply != expected:
                            wrong.append((str(command), str(kind), role, reply))
    assert wrong == []
    assert cells == 12 * 11
