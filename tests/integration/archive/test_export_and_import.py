"""Export and import beside a running server: the route, the commands, and what members see of an imported room."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from support.accounts import Account
from support.chat_users import RATES, room_of, signed_in
from support.commands import done, refused, run_here
from support.server import CLOUDCHAT, RunningServer, environment_of
from support.slack_exports import message, write_export
from support.socket import ChatSocket


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with RunningServer(environment=RATES) as running:
        yield running


@pytest.fixture(scope="module")
def people(server: RunningServer) -> Iterator[list[Account]]:
    with signed_in(server, "ann", "bob", "cid") as accounts:
        yield accounts


def post(account: Account, room: str, text: str, **fields: object) -> int:
    answer = account.http.post(
        f"/api/rooms/{room}/messages", json={"text": text, **fields}, headers={"Idempotency-Key": str(uuid4())}
    )
    assert answer.status_code == 201, answer.text
    seq: int = answer.json()["seq"]
    return seq


def exported(account: Account, room: str, file_format: str = "jsonl", *, rows: int) -> httpx.Response:
    """Return an export that has so many rows: the archive is written within a second of the ack."""
    deadline = time.monotonic() + 10
    while True:
        answer = account.http.get(f"/api/rooms/{room}/export", params={"format": file_format})
        assert answer.status_code == 200, answer.text
        if file_format == "html" or json.loads(answer.text.splitlines()[-1]) == {"type": "end", "rows": rows}:
            return answer
        assert time.monotonic() < deadline, answer.text


def test_owners_export_and_others_do_not(people: list[Account]) -> None:
    ann, bob, cid = people
    room = room_of(ann, "private", "office", bob)
    first = post(ann, room, "hello <b>")
    post(bob, room, "hi", reply_to=first)
    answer = exported(ann, room, rows=4)
    assert answer.headers["content-type"] == "application/jsonl; charset=utf-8"
    assert answer.headers["content-disposition"].startswith(f'attachment; filename="cloudchat-{room}-')
    header, *rows = [json.loads(line) for line in answer.text.splitlines()]
    assert (header["format"], header["version"], header["room"]["name"]) == ("cloudchat.room", 1, "office")
    assert [row.get("text") or row.get("kind") or row["type"] for row in rows] == [
        "created",
        "added",
        "hello <b>",
        "hi",
        "end",
    ]
    page = exported(ann, room, "html", rows=4)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "hello &lt;b&gt;" in page.text
    for account, status in ((bob, 403), (cid, 404)):
        assert account.http.get(f"/api/rooms/{room}/export").status_code == status
    assert ann.http.get(f"/api/rooms/{room}/export", params={"format": "pdf"}).status_code == 422


def test_an_imported_room_appears_and_continues(server: RunningServer, people: list[Account], tmp_path: Path) -> None:
    ann, bob, _ = people
    room = room_of(ann, "public", "garden", bob)
    for number in range(3):
        post(ann, room, f"text {number}")
    exported(ann, room, rows=5)
    file = tmp_path / "garden.jsonl"
    done(run_here(server.state_dir, "admin", "export", room, "--format", "jsonl", "--output", file))
    with ChatSocket(server.ws_url, bob.access_token) as socket:
        command = run_here(server.state_dir, "admin", "import", file)
        assert command.returncode == 0, command.stderr
        imported = command.stdout.strip()
        added = socket.wait_for("room_added")["room"]
        assert (added["id"], added["name"], added["seq"]) == (imported, "garden (2)", 5)
        joined = socket.command("join", room=imported)
        assert (joined["status"], joined["seq"], joined["oldest"]) == ("fresh", 5, 6)
        history = socket.command("history", room=imported, before=100)["events"]
        assert [event.get("text") for event in history] == [None, None, "text 0", "text 1", "text 2"]
        unread = socket.command("unread")["rooms"]
        assert [count["unread"] for count in unread if count["room"] == imported] == [0]
        assert socket.command("edit", room=imported, cid=str(uuid4()), seq=3, text="no")["code"] == "forbidden"
    assert post(bob, imported, "behind the imported ones", reply_to=3) == 6
    assert "imported before" in done_with_notes(server, "admin", "import", file)


def done_with_notes(server: RunningServer, *arguments: str | Path) -> str:
    command = run_here(server.state_dir, *arguments)
    assert command.returncode == 0, command.stderr
    return command.stdout + command.stderr


def test_a_killed_import_continues(server: RunningServer, people: list[Account], tmp_path: Path) -> None:
    ann = people[0]
    days = {"large/2020-09-13.json": [message(number, f"text {number}") for number in range(3000)]}
    channel = {"id": "C7", "name": "large", "creator": "U1", "members": ["U1"]}
    zipped = write_export(tmp_path / "slack.zip", days, channels=[channel], groups=[], dms=[], mpims=[])
    environment = environment_of(server.state_dir, None)
    with subprocess.Popen(
        [CLOUDCHAT, "admin", "import-slack", zipped],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        assert command.stderr is not None
        for line in command.stderr:
            if "public room large" in line or "public room 'large'" in line:
                break
        command.kill()
    assert [room["name"] for room in ann.http.get("/api/rooms/public", params={"q": "large"}).json()["rooms"]] == []
    assert "large" in done_with_notes(server, "admin", "import-slack", zipped)
    [room] = ann.http.get("/api/rooms/public", params={"q": "large"}).json()["rooms"]
    answer = exported(ann, room["id"], rows=3000)
    texts = [json.loads(line).get("text") for line in answer.text.splitlines()[1:-1]]
    assert texts == [f"text {number}" for number in range(3000)]


def test_a_dry_run_changes_nothing(server: RunningServer, people: list[Account], tmp_path: Path) -> None:
    zipped = write_export(tmp_path / "slack.zip", {"general/2020-09-13.json": [message(1, "hello")]})
    before = done(run_here(server.state_dir, "admin", "rooms", "list"))
    report = done_with_notes(server, "admin", "import-slack", "--dry-run", zipped)
    assert "public room 'general' with 2 messages and notices" in report
    assert "users are new here" in report
    assert done(run_here(server.state_dir, "admin", "rooms", "list")) == before


def test_a_file_that_is_not_complete_is_refused(server: RunningServer, people: list[Account], tmp_path: Path) -> None:
    ann = people[0]
    content = exported(ann, room_of(ann, "private", "short"), rows=1).content
    file = tmp_path / "room.jsonl"
    file.write_bytes(b"".join(content.splitlines(keepends=True)[:-1]))
    assert "the file is not complete" in refused(run_here(server.state_dir, "admin", "import", file))
    file.write_bytes(content.replace(b'"version":1', b'"version":2'))
    assert "version 2 of the format" in refused(run_here(server.state_dir, "admin", "import", file))
