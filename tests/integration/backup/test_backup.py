"""`cloudchat admin backup`, `verify-backup` and `restore` on the command line."""

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
from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.database.migrations import is_current, upgrade
from support.accounts import login, register
from support.commands import done, refused, run_here
from support.postgres import RunningPostgres
from support.processes import wait_until
from support.server import CLOUDCHAT, RunningServer, serve_to_its_end
from support.socket import ChatSocket
from support.stores import RunningStore, store_binaries


@dataclass
class Installation:
    """A state directory, and the settings of the servers and commands that use it."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def admin(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return run_here(self.folder, "admin", *arguments, environment=self.environment)

    def server(self) -> RunningServer:
        return RunningServer(state_dir=self.folder, environment=self.environment)

    def send_messages(self, *texts: str, name: str) -> None:
        """Start a server, register a user who sends these messages, and stop the server."""
        with self.server() as server, ChatSocket(server.ws_url, register(server.url, name).access_token) as socket:
            for text in texts:
                assert socket.send(text)["type"] == "ack"

    def history(self, *, name: str) -> list[tuple[int, str]]:
        """Start a server, sign in, and return (seq, text) of each message in the lobby."""
        with self.server() as server, ChatSocket(server.ws_url, login(server.url, name).access_token) as socket:
            reply = socket.command("history", room="lobby", before=1000, limit=100)
            return [(event["seq"], event["text"]) for event in reply["events"]]


def user_names(database: Path) -> set[str]:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM users")}


def append_only_log(folder: Path) -> bytes:
    """Return the log of an embedded store, which consists of plain commands."""
    return b"".join(path.read_bytes() for path in folder.glob("appendonlydir/*.aof"))


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory: pytest.TempPathFactory) -> tuple[Installation, Path]:
    """The installation of a stopped server, and a backup of it."""
    folder = tmp_path_factory.mktemp("backed_up")
    installation = Installation(folder / "state")
    installation.send_messages("one", "two", name="ann")
    done(installation.admin("backup", folder / "b.tar"))
    return installation, folder / "b.tar"


def test_backup_is_private_and_verifiable_without_a_state_folder(backed_up: tuple[Installation, Path]) -> None:
    _, backup = backed_up
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert "2 events" in done(run_here(backup.parent / "no state", "admin", "verify-backup", backup))
    assert not (backup.parent / "no state").exists()


def test_restore_brings_back_messages_and_signing_keys(backed_up: tuple[Installation, Path], tmp_path: Path) -> None:
    _, backup = backed_up
    elsewhere = Installation(tmp_path / "state")
    done(elsewhere.admin("restore", backup))
    assert elsewhere.history(name="ann") == [(1, "one"), (2, "two")]
    key, restored = (next((folder / "keys").glob("*.pem")) for folder in (backed_up[0].folder, elsewhere.folder))
    assert (key.name, key.read_bytes(), key.stat().st_mtime_ns) == (
        restored.name,
        restored.read_bytes(),
        restored.stat().st_mtime_ns,
    )
    assert stat.S_IMODE(restored.stat().st_mode) == 0o400


def test_restore_moves_existing_state_aside_only_with_replace(
    backed_up: tuple[Installation, Path], tmp_path: Path
) -> None:
    _, backup = backed_up
    installation = Installation(tmp_path / "state")
    installation.send_messages("other state", name="bob")
    assert "--replace" in refused(installation.admin("restore", backup))
    assert user_names(installation.folder / "cloudchat.db") == {"admin", "bob"}
    done(installation.admin("restore", "--replace", backup))
    assert user_names(installation.folder / "cloudchat.db") == {"admin", "ann"}
    assert b"other state" not in append_only_log(installation.folder / "store")
    (database,) = (
        path for path in installation.folder.glob("cloudchat.db.before-*") if path.suffix not in ("-wal", "-shm")
    )
    assert user_names(database) == {"admin", "bob"}
    assert b"other state" in append_only_log(next(installation.folder.glob("store.before-*")))
    assert len(list(next(installation.folder.glob("keys.before-*")).iterdir())) == 2


def test_restore_never_assigns_a_number_of_the_replaced_state_again(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "state")
    installation.send_messages("one", name="ann")
    done(installation.admin("backup", tmp_path / "b.tar"))
    installation.send_messages("two", "three", name="bob")
    assert "are lost" in done(installation.admin("restore", "--replace", tmp_path / "b.tar"))
    installation.send_messages("four", name="cid")
    assert installation.history(name="ann") == [(1, "one"), (4, "four")]


def test_restore_keeps_what_a_surviving_store_has_since_the_backup(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "state")
    installation.send_messages("one", name="ann")
    done(installation.admin("backup", tmp_path / "b.tar"))
    installation.send_messages("two", "three", name="bob")
    (installation.folder / "cloudchat.db").write_bytes(b"damaged")
    for suffix in ("-wal", "-shm"):
        (installation.folder / f"cloudchat.db{suffix}").unlink(missing_ok=True)
    output = done(installation.admin("restore", "--replace", "--keep-store", tmp_path / "b.tar"))
    assert "archives those that the store still has" in output
    assert installation.history(name="ann") == [(1, "one"), (2, "two"), (3, "three")]
    expected = [(1, "one"), (2, "two"), (3, "three")]
    with (
        installation.server(),
        contextlib.closing(sqlite3.connect(installation.folder / "cloudchat.db")) as database,
    ):
        query = "SELECT seq, text FROM archived_events WHERE NOT notice ORDER BY seq"
        wait_until(lambda: database.execute(query).fetchall() == expected, "the archive has what the store had")


def test_restore_is_refused_while_a_server_runs(backed_up: tuple[Installation, Path], tmp_path: Path) -> None:
    installation = Installation(tmp_path / "state")
    with installation.server() as server:
        assert str(server.pid) in refused(installation.admin("restore", "--replace", backed_up[1]))


def test_damaged_backup_is_refused_and_creates_nothing(backed_up: tuple[Installation, Path], tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.tar"
    content = bytearray(backed_up[1].read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    installation = Installation(tmp_path / "state")
    refused(installation.admin("verify-backup", damaged))
    refused(installation.admin("restore", damaged))
    assert not installation.folder.exists()


def test_restore_refuses_a_newer_schema(backed_up: tuple[Installation, Path], tmp_path: Path) -> None:
    old, _ = backed_up
    newer = Installation(tmp_path / "newer")
    shutil.copytree(old.folder, newer.folder)
    with contextlib.closing(sqlite3.connect(newer.folder / "cloudchat.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    done(newer.admin("backup", tmp_path / "newer.tar"))
    assert "upgrade" in refused(Installation(tmp_path / "state").admin("restore", tmp_path / "newer.tar"))


def test_restore_upgrades_an_older_schema(tmp_path: Path) -> None:
    old, new = Installation(tmp_path / "old"), Installation(tmp_path / "new")
    old.folder.mkdir(0o700)
    upgrade(f"sqlite:///{old.folder}/cloudchat.db", "0001")
    done(old.admin("backup", tmp_path / "b.tar"))
    done(new.admin("restore", tmp_path / "b.tar"))
    assert is_current(f"sqlite:///{new.folder}/cloudchat.db")
    assert not is_current(f"sqlite:///{old.folder}/cloudchat.db")


def test_server_refuses_to_start_after_an_interrupted_restore(
    backed_up: tuple[Installation, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = Installation(tmp_path / "state")

    def fail(*_: object, **__: object) -> NoReturn:
        raise BrokerUnavailable("interrupted")

    with monkeypatch.context() as patch:
        patch.setattr("cloudchat.backup.restore.replace_external_state", fail)
        refused(installation.admin("restore", backed_up[1]))
    assert "restore --replace" in serve_to_its_end(installation.folder).stderr
    done(installation.admin("restore", "--replace", backed_up[1]))
    assert user_names(installation.folder / "cloudchat.db") == {"admin", "ann"}
    assert not (installation.folder / "restore.unfinished").exists()


def test_keep_removes_older_backups_and_leftovers(backed_up: tuple[Installation, Path], tmp_path: Path) -> None:
    installation, _ = backed_up
    for day in (1, 2, 3):
        (tmp_path / f"cloudchat-2026010{day}T000000Z.tar").touch()
    leftover = tmp_path / ".cloudchat-20260104T000000Z.tar.x.partial"
    leftover.touch()
    done(installation.admin("backup", "--directory", tmp_path, "--keep", "2"))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == 2
    assert names[0] == "cloudchat-20260103T000000Z.tar"
    done(installation.admin("verify-backup", tmp_path / names[1]))


@pytest.mark.parametrize(
    "arguments", [["backup"], ["backup", "x", "--directory", "."], ["backup", "--directory", ".", "--keep", "0"]]
)
def test_invalid_combination_of_options_is_a_usage_error(tmp_path: Path, arguments: list[str]) -> None:
    assert run_here(tmp_path / "state", "admin", *arguments).returncode == 2


@pytest.mark.parametrize("name", ["existing", "no folder/b.tar"])
def test_error_names_the_file_that_cannot_be_written(
    backed_up: tuple[Installation, Path], tmp_path: Path, name: str
) -> None:
    (tmp_path / "existing").touch()
    assert name in refused(backed_up[0].admin("backup", tmp_path / name))
    assert [path.name for path in tmp_path.iterdir()] == ["existing"]


def test_backup_without_a_state_folder_creates_nothing(tmp_path: Path) -> None:
    refused(run_here(tmp_path / "state", "admin", "backup", tmp_path / "b.tar"))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def external_store() -> Iterator[RunningStore]:
    with RunningStore(store_binaries().get("system-redis-server")) as store:
        yield store


def test_restore_replaces_an_external_store_whose_old_state_can_be_restored(
    backed_up: tuple[Installation, Path], external_store: RunningStore, tmp_path: Path
) -> None:
    """From the packaged Valkey to the distribution's Redis, and back to what that Redis had before."""
    installation = Installation(tmp_path / "state", {"CLOUDCHAT_REDIS_URL": external_store.url})
    installation.send_messages("other state", name="bob")
    with redis.Redis(port=external_store.port) as store:
        for backup, name, events in ((backed_up[1], "ann", 2), (None, "bob", 1)):
            (saved,) = [backup] if backup else installation.folder.glob("before-restore-*.tar")
            done(installation.admin("restore", "--replace", saved))
            assert user_names(installation.folder / "cloudchat.db") == {"admin", name}
            assert store.xlen(keys.log("lobby")) == events


def test_restore_is_refused_while_another_server_uses_the_store(
    backed_up: tuple[Installation, Path], external_store: RunningStore, tmp_path: Path
) -> None:
    environment = {"CLOUDCHAT_REDIS_URL": external_store.url}
    other, installation = Installation(tmp_path / "other", environment), Installation(tmp_path / "state", environment)
    with other.server() as server, ChatSocket(server.ws_url, register(server.url).access_token) as socket:
        socket.join()
        assert "stop" in refused(installation.admin("restore", "--replace", backed_up[1]))
        assert socket.send("still here")["seq"] == 1


def test_unreachable_store_error_hides_the_password_and_leaves_no_file(
    backed_up: tuple[Installation, Path], tmp_path: Path
) -> None:
    installation = Installation(backed_up[0].folder, {"CLOUDCHAT_REDIS_URL": "redis://user:hush@127.0.0.1:1/0"})
    assert "hush" not in refused(installation.admin("backup", tmp_path / "b.tar"))
    assert list(tmp_path.iterdir()) == []


def test_postgresql_database_is_backed_up_and_restored(postgres: RunningPostgres, tmp_path: Path) -> None:
    first = Installation(tmp_path / "first", {"CLOUDCHAT_DATABASE_URL": postgres.url(postgres.create_database())})
    other = Installation(tmp_path / "other", {"CLOUDCHAT_DATABASE_URL": postgres.migrated_database()})
    first.send_messages("one", "two", name="ann")
    done(first.admin("backup", tmp_path / "b.tar"))
    assert "--replace" in refused(other.admin("restore", tmp_path / "b.tar"))
    done(other.admin("restore", "--replace", tmp_path / "b.tar"))
    assert len(list(other.folder.glob("before-restore-*.tar"))) == 1
    assert other.history(name="ann") == [(1, "one"), (2, "two")]


def test_sqlite_backup_restores_into_postgresql_and_an_external_store(
    backed_up: tuple[Installation, Path], postgres: RunningPostgres, external_store: RunningStore, tmp_path: Path
) -> None:
    database = postgres.url(postgres.create_database())
    installation = Installation(
        tmp_path / "state", {"CLOUDCHAT_DATABASE_URL": database, "CLOUDCHAT_REDIS_URL": external_store.url}
    )
    done(installation.admin("restore", backed_up[1]))
    assert installation.history(name="ann") == [(1, "one"), (2, "two")]
    done(installation.admin("backup", tmp_path / "b.tar"))
    assert "PostgreSQL" in refused(Installation(tmp_path / "small").admin("restore", tmp_path / "b.tar"))


def test_missing_pg_dump_error_names_the_package_and_hides_the_password(
    postgres: RunningPostgres, tmp_path: Path
) -> None:
    url = postgres.migrated_database().replace("cloudchat@", "cloudchat:hush@")
    installation = Installation(tmp_path / "state", {"CLOUDCHAT_DATABASE_URL": url, "PATH": str(CLOUDCHAT.parent)})
    (tmp_path / "state").mkdir(0o700)
    error = refused(installation.admin("backup", tmp_path / "b.tar"))
    assert "postgresql-client" in error
    assert "hush" not in error
