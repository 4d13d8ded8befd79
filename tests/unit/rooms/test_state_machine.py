"""Any interleaving of operations by several users keeps the rules of rooms (a state machine of hypothesis).

After each operation, the whole state is compared with the one before. A refused operation changes nothing. An accepted
one raises the version of the room if, and only if, something differs, stores whom it concerns, and leaves a notice for
what members see.
"""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import event, select

from cloudchat.auth.errors import AccountError
from cloudchat.auth.repository import add_user
from cloudchat.core.ids import new_id
from cloudchat.database.engine import create_engine
from cloudchat.database.migrations import upgrade
from cloudchat.database.tables.accounts import audit_log
from cloudchat.database.tables.archive import all_tables
from cloudchat.database.tables.rooms import memberships, room_bans
from cloudchat.database.transactions import Database
from cloudchat.rooms.caller import COMMAND_LINE, Caller
from cloudchat.rooms.service import RoomService
from cloudchat.rooms.updates import RoomUpdate

PEOPLE = {"ann": "member", "bob": "member", "cid": "member", "guard": "moderator", "chief": "admin"}
users = st.sampled_from(list(PEOPLE))
callers = st.sampled_from([*PEOPLE, "cli"])
some_rooms = st.integers(0, 5)  # those after the first four may not exist yet
roles = st.sampled_from([None, "owner", "moderator", "member", "reader"])
durations = st.sampled_from([None, 10, 100])


@dataclass(frozen=True)
class RoomState:
    """Everything in SQL about one room."""

    version: int
    kind: str
    seen: tuple[str, str, bool, int]
    members: dict[str, tuple[str, bool]]
    restrictions: dict[str, tuple[Any, Any]]
    member_count: int
    changes: dict[str, int]
    notices: frozenset[int]


class RoomMachine(RuleBasedStateMachine):
    """Users and the command line act on a few rooms, with good and with bad arguments."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="cc-rooms-", dir="/tmp"))
        shutil.copy(self.template, self.folder / "db")
        engine = create_engine(f"sqlite:///{self.folder / 'db'}")
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
        self.db = Database(engine)
        self.service = RoomService(self.db)
        self.now = 1_800_000_000.0
        with self.db.write() as db:
            made = {
                name: add_user(db, name=name, password_hash=None, role=role, now=0) for name, role in PEOPLE.items()
            }
            self.ids = {name: user.id for name, user in made.items()}
        ann, others = self._caller("ann"), [self.ids["bob"], self.ids["chief"]]
        public = self.service.create("public", "open", "", others, caller=ann, now=self.now)
        private = self.service.create("private", "closed", "", others, caller=ann, now=self.now)
        direct, _ = self.service.open_direct([self.ids["bob"]], caller=ann, now=self.now)
        self.rooms = [private.id, public.id, "lobby", direct.id]
        self.state = self._read()

    def teardown(self) -> None:
        self.db.close()
        shutil.rmtree(self.folder)

    # -- operations ---------------------------------------------------------------------------------------------------

    @rule(owner=users, kind=st.sampled_from(["public", "private"]), name=st.sampled_from(["a", "A", "b", ""]))
    def create(self, owner: str, kind: str, name: str) -> None:
        self._do(lambda: self.service.create(kind, name, "", [], caller=self._caller(owner), now=self.now))

    @rule(opener=users, others=st.sets(users, max_size=3))
    def open_direct(self, opener: str, others: set[str]) -> None:
        ids = [self.ids[name] for name in others]
        self._do(lambda: self.service.open_direct(ids, caller=self._caller(opener), now=self.now))

    @rule(by=callers, room=some_rooms, who=users, role=roles)
    def put_member(self, by: str, room: int, who: str, role: str | None) -> None:
        put = self.service.members.put
        self._do(lambda: put(self._room(room), self.ids[who], role, caller=self._caller(by), now=self.now))

    @rule(room=some_rooms, who=users)
    def join(self, room: int, who: str) -> None:
        self.put_member(who, room, who, None)

    @rule(by=callers, room=some_rooms, who=users)
    def remove_member(self, by: str, room: int, who: str) -> None:
        remove = self.service.members.remove
        self._do(lambda: remove(self._room(room), self.ids[who], caller=self._caller(by), now=self.now))

    @rule(room=some_rooms, who=users)
    def leave(self, room: int, who: str) -> None:
        self.remove_member(who, room, who)

    @rule(
        by=callers,
        room=some_rooms,
        name=st.sampled_from([None, "a", "c", ""]),
        topic=st.sampled_from([None, "", "x"]),
        archived=st.sampled_from([None, True, False]),
        seconds=st.sampled_from([None, 0, 5, -1]),
        muted=st.sampled_from([None, True, False]),
    )
    def update(
        self,
        by: str,
        room: int,
        name: str | None,
        topic: str | None,
        archived: bool | None,
        seconds: int | None,
        muted: bool | None,
    ) -> None:
        change = RoomUpdate(name, topic, archived, seconds, muted)
        self._do(lambda: self.service.update(self._room(room), change, caller=self._caller(by), now=self.now))

    @rule(by=callers, room=some_rooms, who=users, seconds=durations)
    def mute(self, by: str, room: int, who: str, seconds: int | None) -> None:
        mute = self.service.moderation.mute
        self._do(lambda: mute(self._room(room), self.ids[who], seconds, "", caller=self._caller(by), now=self.now))

    @rule(by=callers, room=some_rooms, who=users)
    def unmute(self, by: str, room: int, who: str) -> None:
        unmute = self.service.moderation.unmute
        self._do(lambda: unmute(self._room(room), self.ids[who], caller=self._caller(by), now=self.now))

    @rule(by=callers, room=some_rooms, who=users, seconds=durations)
    def ban(self, by: str, room: int, who: str, seconds: int | None) -> None:
        ban = self.service.moderation.ban
        self._do(lambda: ban(self._room(room), self.ids[who], seconds, "", caller=self._caller(by), now=self.now))

    @rule(by=callers, room=some_rooms, who=users)
    def unban(self, by: str, room: int, who: str) -> None:
        unban = self.service.moderation.unban
        self._do(lambda: unban(self._room(room), self.ids[who], caller=self._caller(by), now=self.now))

    @rule(seconds=st.sampled_from([1, 50, 200]))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    # -- what must hold at any time -----------------------------------------------------------------------------------

    @invariant()
    def banned_users_are_not_members(self) -> None:
        with self.db.read() as db:
            bans = select(room_bans.c.room_id, room_bans.c.user_id).join(
                memberships,
                (memberships.c.room_id == room_bans.c.room_id) & (memberships.c.user_id == room_bans.c.user_id),
            )
            active = bans.where((room_bans.c.until.is_(None)) | (room_bans.c.until > self.now))
            assert db.execute(active).all() == []

    @invariant()
    def rooms_are_consistent(self) -> None:
        direct = []
        for room in self.state.values():
            assert room.member_count == len(room.members)
            assert all(version <= room.version for version in (*room.changes.values(), *room.notices))
            if room.kind == "private" and room.members:
                assert "owner" in {role for role, _ in room.members.values()}
            if room.kind == "direct":
                assert 2 <= len(room.members) <= 8
                assert {role for role, _ in room.members.values()} == {"member"}
                direct.append(frozenset(room.members))
        assert len(direct) == len(set(direct)), "the same people have one direct room"
        assert set(self.state["lobby"].members) == set(self.ids.values())
        names = [room.seen[0].casefold() for room in self.state.values() if room.kind == "public"]
        assert len(names) == len(set(names))

    # -- one operation ------------------------------------------------------------------------------------------------

    def _do(self, operation: Callable[[], object]) -> None:
        before = self.state
        audited = self._audit_entries()
        try:
            operation()
        except AccountError:
            self.state = self._read()
            assert self.state == before, "a refused operation changes nothing"
            assert self._audit_entries() == audited
            return
        self.state = self._read()
        for room_id, after in self.state.items():
            _check_change(before.get(room_id), after)
        self.rooms = [*self.rooms, *sorted(set(self.state) - set(before))]

    def _read(self) -> dict[str, RoomState]:
        with self.db.read() as db:
            rows = {name: db.execute(select(table)).all() for name, table in all_tables.tables.items()}
        states = {}
        for room in rows["rooms"]:
            restricted: dict[str, tuple[Any, Any]] = {}
            for place, restrictions in enumerate((rows["room_mutes"], rows["room_bans"])):
                for row in restrictions:
                    if row.room_id == room.id:
                        pair = list(restricted.get(row.user_id, (None, None)))
                        pair[place] = (row.until, row.created_by)
                        restricted[row.user_id] = (pair[0], pair[1])
            states[room.id] = RoomState(
                version=room.version,
                kind=room.kind,
                seen=(room.name, room.topic, room.archived_at is not None, room.slow_mode_seconds),
                members={row.user_id: (row.role, row.muted) for row in rows["memberships"] if row.room_id == room.id},
                restrictions=restricted,
                member_count=room.member_count,
                changes={row.user_id: row.version for row in rows["room_changes"] if row.room_id == room.id},
                notices=frozenset(row.version for row in rows["room_notices"] if row.room_id == room.id),
            )
        return states

    def _audit_entries(self) -> int:
        with self.db.read() as db:
            return len(db.scalars(select(audit_log.c.id)).all())

    def _room(self, number: int) -> str:
        return self.rooms[number] if number < len(self.rooms) else new_id()

    def _caller(self, name: str) -> Caller:
        return COMMAND_LINE if name == "cli" else Caller(self.ids[name], name, PEOPLE[name])


def _check_change(before: RoomState | None, after: RoomState) -> None:
    """Check that version, changes and notices tell of every difference, and of nothing else."""
    if before is None:
        assert after.version >= 1
        assert "" in after.changes
        assert 1 in after.notices
        return
    concerned = {
        user
        for user in {*before.members, *after.members, *before.restrictions, *after.restrictions}
        if before.members.get(user) != after.members.get(user)
        or before.restrictions.get(user) != after.restrictions.get(user)
    }
    if before.seen != after.seen:
        concerned.add("")
    if not concerned:
        # Muting a muted user again in the same second, for as long, is a change without a difference.
        assert after.version - before.version in (0, 1)
        return
    assert after.version > before.version
    for user in concerned:
        assert after.changes[user] > before.version
    roles_before = {user: role for user, (role, _) in before.members.items()}
    roles_after = {user: role for user, (role, _) in after.members.items()}
    if roles_before != roles_after or before.seen[:3] != after.seen[:3]:
        assert max(after.notices) > before.version


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "db"
    upgrade(f"sqlite:///{path}")
    return path


def test_any_interleaving_keeps_the_rules(migrated: Path) -> None:
    RoomMachine.template = migrated
    run_state_machine_as_test(
        RoomMachine,
        settings=settings(
            max_examples=20,
            stateful_step_count=40,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],  # a failure prints all of its steps
            suppress_health_check=list(HealthCheck),
        ),
    )
