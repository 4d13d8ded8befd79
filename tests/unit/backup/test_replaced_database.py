"""What a restore takes over from the database that it replaces."""

import shutil
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import insert, select

from cloudchat.admin.actor import COMMAND_LINE
from cloudchat.backup.replaced_database import (
    ReplacedDatabase,
    complete_restored_database,
    read_replaced_database,
)
from cloudchat.database.tables.accounts import audit_log, erasures, users
from cloudchat.database.tables.rooms import log_checkpoints
from cloudchat.settings import DATABASE_FILE
from support.account_services import NOW, AccountServices
from support.chat_rooms import Rooms


@pytest.fixture
def rooms(tmp_path: Path) -> Rooms:
    return Rooms.with_users(AccountServices.make(tmp_path))


def restore_after_erasure(rooms: Rooms, user: str, folder: Path) -> AccountServices:
    """Erase a user, and return the services of a database that was copied before and completed as in a restore."""
    restored = folder / "restored"
    restored.mkdir()
    rooms.services.db.close()
    shutil.copy(folder / DATABASE_FILE, restored)
    rooms.services.admin.personal_data.order_erasure(rooms.ids[user], actor=COMMAND_LINE, now=NOW)
    rooms.services.db.close()
    replaced = read_replaced_database(f"sqlite:///{folder / DATABASE_FILE}", folder / "no marker")
    url = f"sqlite:///{restored / DATABASE_FILE}"
    complete_restored_database(url, NOW + 60, made_at="", replaced=replaced)
    return AccountServices.make(restored, database_url=url)


def test_who_was_erased_is_erased_again(rooms: Rooms, tmp_path: Path) -> None:
    services = restore_after_erasure(rooms, "bob", tmp_path)
    with services.db.read() as db:
        names = {user.id: user.name for user in db.execute(select(users))}
        assert [order.user_id for order in db.execute(select(erasures))] == [rooms.ids["bob"]]
    assert names[rooms.ids["bob"]].startswith("deleted-user-")
    assert names[rooms.ids["ann"]] == "ann"
    services.db.close()


def test_the_only_administrator_of_the_backup_stays(rooms: Rooms, tmp_path: Path) -> None:
    rooms.user("root", role="admin")
    rooms.services.db.close()
    shutil.copy(tmp_path / DATABASE_FILE, tmp_path / "backup.db")
    replaced = ReplacedDatabase({}, [rooms.ids["root"]])
    complete_restored_database(f"sqlite:///{tmp_path / 'backup.db'}", NOW, made_at="", replaced=replaced)
    services = AccountServices.make(tmp_path, database_url=f"sqlite:///{tmp_path / 'backup.db'}")
    with services.db.read() as db:
        assert db.scalars(select(users.c.name).where(users.c.id == rooms.ids["root"])).one() == "root"
        assert db.scalars(select(audit_log.c.result).where(audit_log.c.action == "user.erase")).all() == ["refused"]
    services.db.close()


def test_an_interrupted_restore_knows_what_it_has_replaced(rooms: Rooms, tmp_path: Path) -> None:
    """The database that it finds at the second attempt may be empty, or that of the backup."""
    with rooms.services.db.write() as db:
        db.execute(insert(log_checkpoints).values(room_id="lobby", epoch="e", seq=5))
    rooms.services.db.close()
    marker, url = tmp_path / "marker", f"sqlite:///{tmp_path / DATABASE_FILE}"
    marker.write_bytes(msgspec.json.encode(ReplacedDatabase({"lobby": 9, "other": 2}, ["ann"])))
    assert read_replaced_database(url, marker) == ReplacedDatabase({"lobby": 9, "other": 2}, ["ann"])
    assert read_replaced_database(None, marker) == ReplacedDatabase({"lobby": 9, "other": 2}, ["ann"])
    marker.write_bytes(b"")
    assert read_replaced_database(url, marker) == ReplacedDatabase({"lobby": 5}, [])
