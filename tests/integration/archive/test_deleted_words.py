"""The words of deleted texts leave the database of a running server, and are in no backup that is made afterwards."""

import gzip
import sqlite3
import subprocess
import tarfile
from contextlib import closing
from pathlib import Path

import psycopg

from cloudchat.archive.event_ids import event_id
from support.accounts import register
from support.commands import admin, done
from support.postgres import RunningPostgres, postgres_folder
from support.processes import wait_until
from support.server import RunningServer
from support.socket import ChatSocket

FIRST, SECOND, KEPT = "firstsecretword", "secondsecretword", "ordinaryword"


def query(server: RunningServer, statement: str, *values: object) -> list[tuple[object, ...]]:
    if url := server.environment.get("CLOUDCHAT_DATABASE_URL"):
        with psycopg.connect(url) as connection:
            return connection.execute(statement.replace("?", "%s").encode(), values).fetchall()
    with closing(sqlite3.connect(server.state_dir / "cloudchat.db")) as db:
        return db.execute(statement, values).fetchall()


def write_and_delete(server: RunningServer) -> None:
    """Send many messages, edit one of them, and delete it. Return when all is in the archive."""
    with ChatSocket(server.ws_url, register(server.url).access_token) as socket:
        seq = socket.send(f"it is {FIRST}")["seq"]
        for number in range(15):
            socket.send(f"{KEPT} {number}")
        wait_for_archive(server, 16)  # so that the index has the words in several parts
        cids = (f"0b1f6e64-0000-4000-8000-{number:012d}" for number in range(9))
        socket.command("edit", room="lobby", cid=next(cids), seq=seq, text=f"it is {SECOND}, of course")
        wait_for_archive(server, 17)
        assert socket.command("delete", room="lobby", cid=next(cids), seq=seq)["type"] == "ack"
    wait_for_archive(server, 18)


def wait_for_archive(server: RunningServer, seq: int) -> None:
    head = "SELECT 1 FROM archive_heads WHERE room_id = 'lobby' AND seq >= ?"
    wait_until(lambda: query(server, head, seq) != [], "the archive has all events")


def words_in(*contents: bytes) -> set[str]:
    return {word for word in (FIRST, SECOND, KEPT) if any(word.encode() in content for content in contents)}


def contents_of(backup: Path) -> list[bytes]:
    """Return the content of each member of a backup, unpacked."""
    with tarfile.open(backup) as tar:
        members = {member.name: tar.extractfile(member) for member in tar if member.isfile()}
        contents = {name: file.read() for name, file in members.items() if file is not None}
    return [_unpack(name, content) for name, content in contents.items()]


def _unpack(name: str, content: bytes) -> bytes:
    if name.endswith(".pgdump"):  # compressed: the statements that restore it
        return subprocess.run(
            [postgres_folder() / "pg_restore", "--file=-"], input=content, stdout=subprocess.PIPE, check=True
        ).stdout
    return gzip.decompress(content) if name.endswith(".gz") else content


def postpone_merge(server: RunningServer) -> None:
    """As after a merge in this minute."""
    with closing(sqlite3.connect(server.state_dir / "cloudchat.db", isolation_level=None)) as db:
        db.execute("UPDATE archived_search_merge SET due_at = unixepoch() + 600")


def test_a_backup_has_no_word_of_a_text_that_was_deleted_before_it(server: RunningServer, tmp_path: Path) -> None:
    postpone_merge(server)
    write_and_delete(server)
    assert FIRST in words_in((server.state_dir / "cloudchat.db-wal").read_bytes()), "it is in the pages of the index"
    done(admin(server.state_dir, "backup", tmp_path / "b.tar"))
    assert words_in(*contents_of(tmp_path / "b.tar")) == {KEPT}
    assert [path.name for path in tmp_path.iterdir()] == ["b.tar"]


def test_the_words_leave_the_live_database(server: RunningServer) -> None:
    write_and_delete(server)
    wait_until(
        lambda: query(server, "SELECT pending, merging FROM archived_search_merge") == [(0, 0)], "the index is merged"
    )
    files = [path.read_bytes() for path in server.state_dir.glob("cloudchat.db*")]
    assert words_in(*files) == {KEPT}


def test_words_of_messages_that_retention_deleted_are_in_no_backup(tmp_path: Path) -> None:
    with RunningServer(environment={"CLOUDCHAT_RETENTION_DAYS": "30"}) as server:
        write_and_delete(server)
        with ChatSocket(server.ws_url, register(server.url).access_token) as socket:
            last = socket.send(f"too old: {SECOND}")["seq"]
        wait_for_archive(server, last)
        server.terminate()
        with closing(sqlite3.connect(server.state_dir / "cloudchat.db")) as db:
            for seq in range(1, last + 1):
                db.execute("UPDATE archived_events SET id = ? WHERE seq = ?", (event_id(1, "lobby", seq), seq))
            db.commit()
        postpone_merge(server)
        server.start()
        wait_until(lambda: query(server, "SELECT 1 FROM archived_events") == [], "retention has deleted all")
        done(admin(server.state_dir, "backup", tmp_path / "b.tar"))
    assert words_in(*contents_of(tmp_path / "b.tar")) == set()


def test_a_dump_of_postgresql_has_no_word_of_a_deleted_text(postgres: RunningPostgres, tmp_path: Path) -> None:
    settings = {"CLOUDCHAT_DATABASE_URL": postgres.url(postgres.create_database())}
    with RunningServer(environment=settings) as server:
        write_and_delete(server)
        done(admin(server.state_dir, "backup", tmp_path / "b.tar", environment=settings))
    assert words_in(*contents_of(tmp_path / "b.tar")) == {KEPT}
