"""The archive is the fold of the log after kills of every process and while the database is away."""

import contextlib
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import redis

from cloudchat.archive.history.repository import read_earlier_texts
from cloudchat.archive.service import ArchiveService
from cloudchat.broker import keys
from cloudchat.broker.reads import HistoryRange
from cloudchat.database.engine import create_engine
from cloudchat.database.transactions import Database
from faults.archive_checker import ArchivedRoom, archive_violations
from faults.crowd import ENVIRONMENT
from support.accounts import Account, register
from support.postgres import RunningPostgres
from support.processes import wait_until
from support.server import RunningServer
from support.socket import ChatSocket
from support.stores import RunningStore

ROOM = "lobby"
ALL = HistoryRange.after_seq(0, 100_000)


def talk(socket: ChatSocket, name: str, rounds: int = 8) -> None:
    """Send messages and change them. Each command is acknowledged."""

    def change(type_: str, seq: int, **fields: object) -> None:
        reply = socket.command(type_, room=ROOM, cid=str(uuid.uuid4()), seq=seq, **fields)
        assert reply["type"] == "ack", reply

    for number in range(rounds):
        seqs = [socket.send(f"{name} {number} {part}")["seq"] for part in range(4)]
        change("edit", seqs[0], text=f"edited {name} {number}")
        change("react", seqs[1], emoji="👍", on=True)
        change("react", seqs[1], emoji="🎉", on=True)
        change("react", seqs[1], emoji="👍", on=False)
        change("edit", seqs[2], text=f"second text {name} {number}")
        change("delete", seqs[2])


class Archive:
    """The archive of a running server, read from outside, and the log in its store."""

    def __init__(self, database_url: str, store: "redis.Redis") -> None:
        self.db = Database(create_engine(database_url))
        self.service = ArchiveService(self.db)
        self.store = store

    def head(self) -> int:
        heads = self.service.heads([ROOM])
        return heads[ROOM].seq if heads else 0

    def log(self) -> list[dict[str, Any]]:
        arguments = 2, keys.meta(ROOM), keys.log(ROOM), "unused", 0, 1_000_000, 1_000_000_000, 0
        reply: Any = self.store.execute_command("FCALL", "cloudchat_unarchived_v5", *arguments)  # type: ignore[no-untyped-call]
        return [msgspec.json.decode(event) for event in reply[4::2]]

    def log_head(self) -> int:
        return int(self.store.hget(keys.meta(ROOM), "seq") or 0)

    def wait(self) -> None:
        wait_until(lambda: self.head() == self.log_head(), "the archive catches up")

    def room(self) -> ArchivedRoom:
        self.wait()
        rows: list[dict[str, Any]] = []
        while (page := self.service.page(ROOM, HistoryRange.after_seq(rows[-1]["seq"] if rows else 0, 200))).newer:
            rows += page.newer
        with self.db.read() as db:
            texts = {
                row["seq"]: [row.get("text", ""), *(one.text for one in read_earlier_texts(db, ROOM, row["seq"]))]
                for row in rows
            }
        return ArchivedRoom(self.log(), rows, self.head(), texts)


@contextmanager
def archive_of(server: RunningServer, database_url: str = "", store: RunningStore | None = None) -> Iterator[Archive]:
    """Read the archive of a server, by default its SQLite database and its embedded store."""
    path = str(server.state_dir / "store" / "store.sock")
    with redis.Redis(port=store.port) if store else redis.Redis(unix_socket_path=path) as connection:
        archive = Archive(database_url or f"sqlite:///{server.state_dir / 'cloudchat.db'}", connection)
        try:
            yield archive
        finally:
            archive.db.close()


def history(account: Account, **query: int) -> list[dict[str, Any]]:
    response = account.http.get(f"/api/rooms/{ROOM}/history", params=query)
    assert response.status_code == 200, response.text
    events: list[dict[str, Any]] = response.json()["events"]
    return events


def test_the_archive_is_the_fold_of_the_log_after_kills_and_a_locked_database() -> None:
    with RunningServer(environment=ENVIRONMENT) as server:
        account = register(server.url)
        with ChatSocket(server.ws_url, account.access_token) as socket:
            talk(socket, "before the kill of the server")
            server.kill()  # less than a second after the last ack: something is not archived
        server.start()
        with ChatSocket(server.ws_url, account.access_token) as socket, archive_of(server) as archive:
            talk(socket, "before the kill of the store")
            server.wait_for_new_store(server.kill_store())
            wait_until(lambda: socket.send("the store is back")["type"] == "ack", "the store accepts messages")
            talk(socket, "after the kill of the store")
            path = server.state_dir / "cloudchat.db"
            with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                head = archive.head()
                talk(socket, "while the database is locked")
                assert archive.head() == head < archive.log_head()
                other.execute("ROLLBACK")
            talk(socket, "after the lock")
            assert archive_violations(archive.room()) == []


def test_sends_go_on_without_postgresql_and_the_archive_catches_up() -> None:
    few = {**ENVIRONMENT, "CLOUDCHAT_HISTORY_MESSAGES": "20"}
    with RunningPostgres() as postgres:
        url = postgres.migrated_database()
        with RunningServer(environment={**few, "CLOUDCHAT_DATABASE_URL": url}) as server:
            account = register(server.url)
            with ChatSocket(server.ws_url, account.access_token) as socket, archive_of(server, url) as archive:
                first = socket.send("first")["seq"]
                archive.wait()
                postgres.stop()
                talk(socket, "without SQL")
                log = archive.log()
                assert len(log) >= 80, "something was trimmed that is not archived"
                page = socket.command("history", room=ROOM, after=first, limit=200)
                assert page["type"] == "history"
                assert len(page["events"]) == 32
                postgres.start()
                room = archive.room()
                assert archive_violations(ArchivedRoom(log, room.rows, room.head, room.texts)) == []
                wait_until(lambda: len(archive.log()) == 20, "the log is trimmed")
                assert history(account, after=first, limit=200) == page["events"]


def test_the_history_before_a_wiped_store_is_there_and_its_numbers_are_not_used_again() -> None:
    with RunningStore() as store:
        environment = {**ENVIRONMENT, "CLOUDCHAT_REDIS_URL": store.url}
        with RunningServer(environment=environment) as server, archive_of(server, store=store) as archive:
            account = register(server.url)
            with ChatSocket(server.ws_url, account.access_token) as socket:
                talk(socket, "before", rounds=2)
                archive.wait()
                before, head = history(account), archive.head()
                archive.store.flushall()
                after = socket.send("after the wipe")
                assert after["type"] == "ack"
                assert after["seq"] > head
                rows = history(account, limit=200)
                assert rows[:-1] == before
                assert (rows[-1]["text"], rows[-1]["seq"]) == ("after the wipe", after["seq"])
                assert rows[-1]["epoch"] != before[-1]["epoch"]
                change = socket.command("react", room=ROOM, cid=str(uuid.uuid4()), seq=1, emoji="👍", on=True)
                assert change["type"] == "ack", change
                assert history(account, after=0, limit=1)[0]["reactions"][0]["users"] == [account.user_id]
                archive.wait()
                assert history(account, after=0, limit=1)[0]["reactions"][0]["users"] == [account.user_id]
