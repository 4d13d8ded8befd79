"""A person is erased, and old messages are deleted, by a real server with its store and SQLite."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from cloudchat.archive.event_ids import event_id
from support.accounts import Account, register
from support.commands import admin, done
from support.processes import wait_until
from support.server import CLOUDCHAT, RunningServer, environment_of
from support.socket import ChatSocket

SECRET = "the combination is 4711"


@pytest.fixture
def server() -> Iterator[RunningServer]:
    with RunningServer(environment={"CLOUDCHAT_RETENTION_DAYS": "30"}) as running:
        yield running


def archived(server: RunningServer, query: str, *values: object) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(server.state_dir / "cloudchat.db")) as db:
        return db.execute(query, values).fetchall()


def wait_for_archive(server: RunningServer, seq: int) -> None:
    head = "SELECT 1 FROM archive_heads WHERE room_id = 'lobby' AND seq >= ?"
    wait_until(lambda: archived(server, head, seq) != [], "the archive has all events")


def write_secrets(server: RunningServer, bob: Account, ann: Account) -> int:
    """Let bob write, edit and react, and ann answer. Return the seq of the last event."""
    with ChatSocket(server.ws_url, bob.access_token) as socket:
        first = socket.send(f"{SECRET}, first")["seq"]
        second = socket.send(f"{SECRET}, second")["seq"]
        socket.command("edit", room="lobby", cid="0b1f6e64-0000-4000-8000-000000000001", seq=second, text=f"{SECRET}!")
    with ChatSocket(server.ws_url, ann.access_token) as socket:
        return int(socket.send("an answer", reply_to=first)["seq"])


def everything_in_the_room(server: RunningServer, reader: Account) -> str:
    """Return all that the server gives a reader: the replay from the beginning, and history."""
    with ChatSocket(server.ws_url, reader.access_token) as socket:
        epoch = socket.wait_for("welcome")["rooms"][0]["epoch"]
        joined = socket.join(after={"epoch": epoch, "seq": 0}, limit=500)
        for _ in range(joined["seq"] - joined["oldest"] + 1):
            socket.receive()
        history = socket.command("history", room="lobby", before=10**6, limit=200)
        return json.dumps(socket.frames) + json.dumps(history)


def test_erase_user_survives_a_killed_server_and_leaves_no_text_and_no_name(server: RunningServer) -> None:
    bob, ann = register(server.url, "bobby-tables"), register(server.url)
    wait_for_archive(server, write_secrets(server, bob, ann))
    server.kill()
    command = [str(CLOUDCHAT), "admin", "erase-user", bob.name, "--yes"]
    with Popen(command, env=environment_of(server.state_dir), stdout=PIPE, stderr=PIPE, text=True) as erasing:
        wait_until(lambda: archived(server, "SELECT 1 FROM erasures") != [], "the erasure is ordered")
        server.start()
        with ChatSocket(server.ws_url, ann.access_token) as socket:
            socket.join(limit=500)
            assert socket.wait_for("deleted", seconds=20)["target"] == 1
        server.kill()
        server.start()
        output, errors = erasing.communicate(timeout=60)
    assert erasing.returncode == 0, errors
    assert "everything is erased" in output
    seen = everything_in_the_room(server, ann)
    assert "an answer" in seen
    assert (SECRET in seen, bob.name in seen) == (False, False)
    assert "deleted-user-" in seen
    assert archived(server, "SELECT count(*) FROM archived_events WHERE text LIKE ?", f"%{SECRET}%") == [(0,)]
    assert archived(server, "SELECT count(*) FROM archived_edits") == [(0,)]


def test_export_user_writes_all_messages(server: RunningServer, tmp_path: Path) -> None:
    bob, ann = register(server.url, "bobby-tables"), register(server.url)
    wait_for_archive(server, write_secrets(server, bob, ann))
    file = tmp_path / "bob.json"
    assert done(admin(server.state_dir, "export-user", bob.name, "--output", file)) == ""
    assert file.stat().st_mode & 0o777 == 0o600
    exported = json.loads(file.read_text())
    messages = [message for message in exported["messages"] if message["type"] == "message"]
    assert [message["text"] for message in messages] == [f"{SECRET}, first", f"{SECRET}!"]
    assert [text["text"] for text in messages[1]["earlier_texts"]] == [f"{SECRET}, second"]
    assert exported["account"]["name"] == bob.name


def test_the_server_deletes_old_messages_from_log_and_archive(server: RunningServer) -> None:
    ann = register(server.url)
    with ChatSocket(server.ws_url, ann.access_token) as socket:
        for number in range(1, 6):
            socket.send(f"message {number}")
    wait_for_archive(server, 5)
    server.terminate()
    with closing(sqlite3.connect(server.state_dir / "cloudchat.db")) as db:
        for seq in (1, 2, 3):
            old = event_id(int((time.time() - 31 * 86400) * 1000), "lobby", seq)
            db.execute("UPDATE archived_events SET id = ? WHERE room_id = 'lobby' AND seq = ?", (old, seq))
        db.commit()
    server.start()
    left = "SELECT seq FROM archived_events WHERE room_id = 'lobby' ORDER BY seq"
    wait_until(lambda: archived(server, left) == [(4,), (5,)], "the old messages are deleted")
    with ChatSocket(server.ws_url, ann.access_token) as socket:
        joined = socket.join(limit=500)
        assert (joined["oldest"], joined["seq"]) == (4, 5)
        assert socket.send("the numbering goes on")["seq"] == 6
