"""`cloudchat admin backup`, `verify-backup` and `restore`, as an operator types them."""

import contextlib
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import pytest
import redis

from cloudchat.broker import keys
from cloudchat.broker.broker import BrokerUnavailable
from cloudchat.database.migrations import is_current, upgrade
from support.accounts import login, register
from support.commands import done, refused, run_here
from support.postgres import RunningPostgres
from support.server import CLOUDCHAT, RunningServer, serve_to_its_end
from support.socket import ChatSocket
from support.stores import RunningStore, store_binaries


@dataclass
class Place:
    """Where an installation keeps its things."""

    state: Path
    environment: dict[str, str] = field(default_factory=dict)

    def admin(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return run_here(self.state, "admin", *arguments, environment=self.environment)

    def server(self) -> RunningServer:
        return RunningServer(state_dir=self.state, environment=self.environment)

    def says(self, *texts: str, name: str) -> None:
        """A first start, somebody who says something, and the end."""
        with self.server() as server, ChatSocket(server.ws_url, register(server.url, name).access_token) as socket:
            for text in texts:
                assert socket.send(text)["type"] == "ack"

    def history(self, *, name: str) -> list[tuple[int, str]]:
        """What somebody finds who signs in."""
        with self.server() as server, ChatSocket(server.ws_url, login(server.url, name).access_token) as socket:
            reply = socket.command("history", room="lobby", before=1000, limit=100)
            return [(event["seq"], event["text"]) for event in reply["events"]]


def people_in(database: Path) -> set[str]:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM users")}


def store_says(folder: Path) -> bytes:
    """An embedded store's log, which is plain commands."""
    return b"".join(path.read_bytes() for path in folder.glob("appendonlydir/*.aof"))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, Path]:
    """A state of a server that does not run, and its backup."""
    folder = tmp_path_factory.mktemp("written")
    place = Place(folder / "state")
    place.says("one", "two", name="ann")
    done(place.admin("backup", folder / "b.tar"))
    return place, folder / "b.tar"


def test_it_is_for_its_user_alone_and_can_be_verified(written: tuple[Place, Path]) -> None:
    _, backup = written
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert "2 events" in done(run_here(backup.parent / "no state", "admin", "verify-backup", backup))
    assert not (backup.parent / "no state").exists()


def test_what_a_stopped_server_had_comes_back_elsewhere(written: tuple[Place, Path], tmp_path: Path) -> None:
    _, backup = written
    elsewhere = Place(tmp_path / "state")
    done(elsewhere.admin("restore", backup))
    assert elsewhere.history(name="ann") == [(1, "one"), (2, "two")]
    key, again = (next((place / "keys").glob("*.pem")) for place in (written[0].state, elsewhere.state))
    assert (key.name, key.read_bytes(), key.stat().st_mtime_ns) == (
        again.name,
        again.read_bytes(),
        again.stat().st_mtime_ns,
    )
    assert stat.S_IMODE(again.stat().st_mode) == 0o400


def test_what_is_there_is_moved_aside_and_only_if_told_so(written: tuple[Place, Path], tmp_path: Path) -> None:
    _, backup = written
    place = Place(tmp_path / "state")
    place.says("of another", name="bob")
    assert "--replace" in refused(place.admin("restore", backup))
    assert people_in(place.state / "cloudchat.db") == {"admin", "bob"}
    done(place.admin("restore", "--replace", backup))
    assert people_in(place.state / "cloudchat.db") == {"admin", "ann"}
    assert b"of another" not in store_says(place.state / "store")
    (database,) = (path for path in place.state.glob("cloudchat.db.before-*") if path.suffix not in ("-wal", "-shm"))
    assert people_in(database) == {"admin", "bob"}
    assert b"of another" in store_says(next(place.state.glob("store.before-*")))
    assert len(list(next(place.state.glob("keys.before-*")).iterdir())) == 2


def test_no_restore_beside_a_running_server(written: tuple[Place, Path], tmp_path: Path) -> None:
    place = Place(tmp_path / "state")
    with place.server() as server:
        assert str(server.pid) in refused(place.admin("restore", "--replace", written[1]))


def test_a_damaged_backup_changes_nothing(written: tuple[Place, Path], tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.tar"
    content = bytearray(written[1].read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    place = Place(tmp_path / "state")
    refused(place.admin("verify-backup", damaged))
    refused(place.admin("restore", damaged))
    assert not place.state.exists()


def test_a_newer_schema_is_refused(written: tuple[Place, Path], tmp_path: Path) -> None:
    old, _ = written
    newer = Place(tmp_path / "newer")
    shutil.copytree(old.state, newer.state)
    with contextlib.closing(sqlite3.connect(newer.state / "cloudchat.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    done(newer.admin("backup", tmp_path / "newer.tar"))
    assert "upgrade" in refused(Place(tmp_path / "state").admin("restore", tmp_path / "newer.tar"))


def test_an_older_schema_is_brought_up_to_todays(tmp_path: Path) -> None:
    old, new = Place(tmp_path / "old"), Place(tmp_path / "new")
    old.state.mkdir(0o700)
    upgrade(f"sqlite:///{old.state}/cloudchat.db", "0001")
    done(old.admin("backup", tmp_path / "b.tar"))
    done(new.admin("restore", tmp_path / "b.tar"))
    assert is_current(f"sqlite:///{new.state}/cloudchat.db")
    assert not is_current(f"sqlite:///{old.state}/cloudchat.db")


def test_a_server_does_not_take_a_half_restored_state_for_a_first_start(
    written: tuple[Place, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path / "state")

    def fail(*_: object) -> NoReturn:
        raise BrokerUnavailable("in the middle of it")

    with monkeypatch.context() as patch:
        patch.setattr("cloudchat.backup.restore.replace_outside", fail)
        refused(place.admin("restore", written[1]))
    assert "restore --replace" in serve_to_its_end(place.state).stderr
    done(place.admin("restore", "--replace", written[1]))
    assert people_in(place.state / "cloudchat.db") == {"admin", "ann"}
    assert not (place.state / "restore.unfinished").exists()


def test_a_folder_of_backups_keeps_the_newest(written: tuple[Place, Path], tmp_path: Path) -> None:
    place, _ = written
    for day in (1, 2, 3):
        (tmp_path / f"cloudchat-2026010{day}T000000Z.tar").touch()
    leftover = tmp_path / ".cloudchat-20260104T000000Z.tar.x.partial"
    leftover.touch()
    done(place.admin("backup", "--directory", tmp_path, "--keep", "2"))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == 2
    assert names[0] == "cloudchat-20260103T000000Z.tar"
    done(place.admin("verify-backup", tmp_path / names[1]))


@pytest.mark.parametrize(
    "arguments", [["backup"], ["backup", "x", "--directory", "."], ["backup", "--directory", ".", "--keep", "0"]]
)
def test_a_backup_goes_to_one_place(tmp_path: Path, arguments: list[str]) -> None:
    assert run_here(tmp_path / "state", "admin", *arguments).returncode == 2


@pytest.mark.parametrize("name", ["there", "no folder/b.tar"])
def test_a_file_that_can_not_be_written_is_named(written: tuple[Place, Path], tmp_path: Path, name: str) -> None:
    (tmp_path / "there").touch()
    assert name in refused(written[0].admin("backup", tmp_path / name))
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_where_nothing_is_nothing_is_backed_up_and_nothing_made(tmp_path: Path) -> None:
    refused(run_here(tmp_path / "state", "admin", "backup", tmp_path / "b.tar"))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def own_store() -> Iterator[RunningStore]:
    with RunningStore(store_binaries().get("system-redis-server")) as store:
        yield store


def test_a_store_of_ones_own_is_filled_and_what_it_had_can_be_put_back(
    written: tuple[Place, Path], own_store: RunningStore, tmp_path: Path
) -> None:
    """From the packaged Valkey to the distribution's Redis, and the old state of the latter saved on the way."""
    place = Place(tmp_path / "state", {"CLOUDCHAT_REDIS_URL": own_store.url})
    place.says("of another", name="bob")
    with redis.Redis(port=own_store.port) as store:
        for backup, name, events in ((written[1], "ann", 2), (None, "bob", 1)):
            (saved,) = [backup] if backup else place.state.glob("before-restore-*.tar")
            done(place.admin("restore", "--replace", saved))
            assert people_in(place.state / "cloudchat.db") == {"admin", name}
            assert store.xlen(keys.log("lobby")) == events


def test_no_restore_into_a_store_that_another_machines_server_uses(
    written: tuple[Place, Path], own_store: RunningStore, tmp_path: Path
) -> None:
    environment = {"CLOUDCHAT_REDIS_URL": own_store.url}
    other, place = Place(tmp_path / "other", environment), Place(tmp_path / "state", environment)
    with other.server() as server, ChatSocket(server.ws_url, register(server.url).access_token) as socket:
        socket.join()
        assert "stop" in refused(place.admin("restore", "--replace", written[1]))
        assert socket.send("still here")["seq"] == 1


def test_a_store_that_is_away_is_one_line(written: tuple[Place, Path], tmp_path: Path) -> None:
    place = Place(written[0].state, {"CLOUDCHAT_REDIS_URL": "redis://user:hush@127.0.0.1:1/0"})
    assert "hush" not in refused(place.admin("backup", tmp_path / "b.tar"))
    assert list(tmp_path.iterdir()) == []


def test_postgresql_is_dumped_and_filled_again(postgres: RunningPostgres, tmp_path: Path) -> None:
    first = Place(tmp_path / "first", {"CLOUDCHAT_DATABASE_URL": postgres.url(postgres.create_database())})
    other = Place(tmp_path / "other", {"CLOUDCHAT_DATABASE_URL": postgres.migrated_database()})
    first.says("one", "two", name="ann")
    done(first.admin("backup", tmp_path / "b.tar"))
    assert "--replace" in refused(other.admin("restore", tmp_path / "b.tar"))
    done(other.admin("restore", "--replace", tmp_path / "b.tar"))
    assert len(list(other.state.glob("before-restore-*.tar"))) == 1
    assert other.history(name="ann") == [(1, "one"), (2, "two")]


def test_an_installation_grows_from_sqlite_to_postgresql_and_a_store_of_its_own(
    written: tuple[Place, Path], postgres: RunningPostgres, own_store: RunningStore, tmp_path: Path
) -> None:
    database = postgres.url(postgres.create_database())
    place = Place(tmp_path / "state", {"CLOUDCHAT_DATABASE_URL": database, "CLOUDCHAT_REDIS_URL": own_store.url})
    done(place.admin("restore", written[1]))
    assert place.history(name="ann") == [(1, "one"), (2, "two")]
    done(place.admin("backup", tmp_path / "b.tar"))
    assert "PostgreSQL" in refused(Place(tmp_path / "small").admin("restore", tmp_path / "b.tar"))


def test_without_pg_dump_the_package_is_named_and_no_password(postgres: RunningPostgres, tmp_path: Path) -> None:
    url = postgres.migrated_database().replace("cloudchat@", "cloudchat:hush@")
    place = Place(tmp_path / "state", {"CLOUDCHAT_DATABASE_URL": url, "PATH": str(CLOUDCHAT.parent)})
    (tmp_path / "state").mkdir(0o700)
    told = refused(place.admin("backup", tmp_path / "b.tar"))
    assert "postgresql-client" in told
    assert "hush" not in told
