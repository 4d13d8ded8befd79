"""A direct room that several processes open at the same instant is one room, on both databases."""

import subprocess
import sys
from pathlib import Path

import pytest

from cloudchat.database.engine import create_engine
from cloudchat.database.migrations import upgrade
from cloudchat.database.transactions import Database
from cloudchat.rooms.service import RoomService
from support.account_services import AccountServices
from support.chat_rooms import Rooms
from support.databases import POSTGRESQL, SQLITE
from support.postgres import RunningPostgres

OPEN = """
import sys, time
from cloudchat.database.engine import create_engine
from cloudchat.database.transactions import Database
from cloudchat.rooms.caller import Caller
from cloudchat.rooms.service import RoomService
service = RoomService(Database(create_engine(sys.argv[1])))
service.rooms_of(sys.argv[2])  # opens the connection
print("ready", flush=True)
sys.stdin.readline()
room, is_new = service.open_direct([sys.argv[3]], caller=Caller(sys.argv[2], "x", "member"), now=time.time())
print(room.id, is_new)
"""


@pytest.mark.parametrize("database", [SQLITE, POSTGRESQL])
def test_processes_that_open_a_direct_room_at_once_get_one_room(
    database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'cloudchat.db'}"
    if database == POSTGRESQL:
        postgres: RunningPostgres = request.getfixturevalue("postgres")
        url = postgres.migrated_database()
    upgrade(url)
    services = AccountServices.make(tmp_path, database_url=url)
    people = Rooms(services)
    ann, bob = people.user("ann"), people.user("bob")
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, url, *pair], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for pair in [(ann, bob), (bob, ann)] * 2
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=30)[0].split() for process in processes]
    services.db.close()
    assert len({room for room, _ in answers}) == 1
    assert sorted(is_new for _, is_new in answers) == ["False", "False", "False", "True"]
    db = Database(create_engine(url))
    (room,) = [room for room in RoomService(db).rooms_of(ann) if room.kind == "direct"]
    db.close()
    assert (room.version, room.member_count) == (1, 2)
