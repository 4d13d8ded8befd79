"""A conversation with every command and every event, each frame checked against the served AsyncAPI document."""

import json
import signal
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema
import pytest

from support.accounts import register
from support.chat_users import room_of, signed_in
from support.commands import done, run_here
from support.server import RunningServer
from support.socket import ChatSocket, Frame

CID = "00000000-0000-4000-8000-0000000000aa"


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with RunningServer() as running:
        yield running


@pytest.fixture(scope="module")
def document(server: RunningServer) -> dict[str, Any]:
    response = httpx.get(f"{server.url}/asyncapi.json", verify=False)
    assert response.headers["content-type"] == "application/json"
    found: dict[str, Any] = response.json()
    return found


def messages_of(document: dict[str, Any], kind: str, frame: dict[str, Any]) -> list[str]:
    """Return the names of the messages of a kind that the frame is valid as, without a field that they do not have."""
    return [
        name
        for name, message in document["components"]["messages"].items()
        if name.startswith(f"{kind}.")
        and message["name"] == frame["type"]
        and jsonschema.Draft202012Validator(
            message["payload"] | {"components": without_other_fields(document["components"])}
        ).is_valid(frame)
    ]


def without_other_fields(schema: Any) -> Any:
    """Return the schemas so that they refuse fields that they do not list, as clients must not."""
    if isinstance(schema, list):
        return [without_other_fields(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {"additionalProperties": False} if isinstance(schema.get("properties"), dict) else {}
    return closed | {name: without_other_fields(part) for name, part in schema.items()}


class Recorded(ChatSocket):
    """A socket that records its commands, too. `frames` has what it received."""

    def __init__(self, url: str, token: str) -> None:
        super().__init__(url, token)
        self.commands: list[Frame] = []

    def send_raw(self, text: str | bytes) -> None:
        self.commands.append(json.loads(text))
        super().send_raw(text)


def in_the_log(ann: Recorded, bob: Recorded, room: str) -> None:
    """Send each command about messages, also some that are refused or repeated."""
    ann.join(room)
    bob.join(room, limit=5)
    seq = ann.send("hello @bob", room, cid=CID)["seq"]
    assert ann.send("hello @bob", room, cid=CID)["duplicate"]
    answer = bob.send("an answer", room, reply_to=seq)["seq"]
    for type_, target, fields in (
        ("react", seq, {"emoji": "👍", "on": True}),
        ("edit", seq, {"text": "changed, @room"}),
        ("react", answer, {"emoji": "🎉", "on": True}),
    ):
        assert ann.command(type_, room=room, cid=str(uuid.uuid4()), seq=target, **fields)["type"] == "ack"
    assert bob.command("delete", room=room, cid=str(uuid.uuid4()), seq=answer)["type"] == "ack"
    rows = ann.command("history", room=room, after=0)["events"]
    assert {name for row in rows for name in row} >= {"edited_at", "deleted_at", "reactions", "reply_to", "kind"}
    assert ann.command("history", room=room, around=seq, limit=2)["type"] == "history"
    assert ann.join(room, after={"epoch": "unknown", "seq": 3})["status"] == "gap"
    assert ann.send("refused", "elsewhere")["code"] == "not_found"
    assert ann.command("delete", room=room, cid=str(uuid.uuid4()), seq=999)["code"] == "not_found"


def test_every_command_and_every_event_is_a_message_of_the_document(document: dict[str, Any]) -> None:
    environment = {"CLOUDCHAT_HEARTBEAT_SECONDS": "1"}
    with RunningServer(environment=environment) as server, signed_in(server, "ann", "bob") as (ann, bob):
        tokens = [token_of_ann(server, ttl) for ttl in ("1h", "10s")]
        hers, expiring, other = (Recorded(server.ws_url, token) for token in [*tokens, ann.access_token])
        with hers, expiring, other:
            room, direct = room_of(ann, "private", "office"), room_of(ann, "direct", None, bob)
            for chat in (hers, other):
                chat.join(direct)
                chat.wait_for(lambda frame: frame["type"] == "room_added" and frame["room"]["id"] == room)
            with Recorded(server.ws_url, bob.access_token) as his:
                path = f"/api/rooms/{room}"
                ann.http.put(f"{path}/members/{bob.user_id}", json={}).raise_for_status()
                in_the_log(hers, his, room)
                hers.wait_for("presence")
                his.send_raw(json.dumps({"type": "typing", "room": room}))
                hers.wait_for("typing")
                his.join(direct)
                seq = his.send("between us", direct)["seq"]
                assert his.command("read", room=direct, seq=seq)["seq"] == seq
                hers.wait_for("read_by")
                hers.command("read", room=direct, seq=seq)
                other.wait_for("read")
                assert his.command("unread")["type"] == "unread"
                assert his.command("who", room=room)["type"] == "present"
                assert his.command("ping")["type"] == "pong"
                ann.http.patch(path, json={"topic": "news", "slow_mode_seconds": 5}).raise_for_status()
                ann.http.put(f"{path}/mutes/{bob.user_id}", json={"reason": "x", "seconds": 60}).raise_for_status()
                his.wait_for(lambda frame: frame["type"] == "room_changed" and "muted_until" in frame["room"])
                assert his.send("muted", room)["code"] == "muted"
                ann.http.put(f"{path}/bans/{bob.user_id}", json={"reason": "x", "seconds": 60}).raise_for_status()
                assert "banned_until" in his.wait_for("room_removed")
                assert his.command("leave", room=direct)["type"] == "left"
                for chat in (hers, other):
                    chat.wait_for("head")
                expiring.wait_for("token_expiring")
                assert hers.command("auth", token=ann.access_token)["type"] == "authenticated"
                server.signal(signal.SIGTERM)
                his.wait_for("drain")
                commands = [command for chat in (hers, his) for command in chat.commands]
                frames = [frame for chat in (hers, expiring, other, his) for frame in chat.frames]
    found = {name for command in commands for name in known(document, "command", command)}
    found |= {name for frame in frames for name in known(document, "event", frame)}
    assert found == set(document["components"]["messages"])


def token_of_ann(server: RunningServer, ttl: str) -> str:
    issue = ("admin", "issue-token", "ann", "--scope", "chat:read,chat:write", "--ttl", ttl)
    return done(run_here(server.state_dir, *issue)).strip()


def known(document: dict[str, Any], kind: str, frame: Frame) -> list[str]:
    """Return the messages of the document that a frame is. There is at least one."""
    names = messages_of(document, kind, frame)
    assert names, frame
    return names


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "join"},
        {"type": "join", "room": ""},
        {"type": "join", "room": "lobby", "limit": 501},
        {"type": "send", "room": "lobby", "cid": "no UUID", "text": "x"},
        {"type": "send", "room": "lobby", "cid": f"{CID}\n", "text": "x"},
        {"type": "ping", "unknown": 1},
        {"type": "ping", "id": "x" * 65},
    ],
)
def test_what_the_server_refuses_is_no_message_of_the_document(
    server: RunningServer, document: dict[str, Any], frame: dict[str, Any]
) -> None:
    assert not messages_of(document, "command", frame)
    with ChatSocket(server.ws_url, register(server.url).access_token) as chat:
        chat.send_raw(json.dumps(frame))
        assert chat.wait_for("error")["code"] == "bad_request"
