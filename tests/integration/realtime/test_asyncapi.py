"""A recorded conversation, each frame of it checked against the served AsyncAPI document."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx
import jsonschema
import pytest

from support.accounts import register
from support.server import RunningServer
from support.socket import ChatSocket, Frame

CID = "00000000-0000-4000-8000-0000000000aa"
COMMANDS: list[dict[str, Any]] = [
    {"type": "join", "id": "1", "room": "lobby"},
    {"type": "send", "id": "2", "room": "lobby", "cid": CID, "text": "first"},
    {"type": "send", "id": "3", "room": "lobby", "cid": CID, "text": "first"},
    {"type": "join", "id": "4", "room": "lobby", "after": {"epoch": "unknown", "seq": 3}, "limit": 5},
    {"type": "history", "id": "5", "room": "lobby", "before": 10},
    {"type": "read", "id": "6", "room": "lobby", "seq": 1},
    {"type": "ping", "id": "7"},
    {"type": "leave", "id": "8", "room": "lobby"},
    {"type": "leave", "id": "9", "room": "elsewhere"},
    {"type": "send", "id": "10", "room": "elsewhere", "cid": CID, "text": "refused"},
    {"type": "send", "id": "11", "room": "lobby", "cid": CID, "text": ""},
]


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with RunningServer(environment={"CLOUDCHAT_HEARTBEAT_SECONDS": "1"}) as running:
        yield running


@pytest.fixture(scope="module")
def document(server: RunningServer) -> dict[str, Any]:
    response = httpx.get(f"{server.url}/asyncapi.json", verify=False)
    assert response.headers["content-type"] == "application/json"
    found: dict[str, Any] = response.json()
    return found


def is_reply_to(command: Frame, frame: Frame) -> bool:
    return bool(frame.get("id") == command["id"])


def messages_of(document: dict[str, Any], kind: str, frame: dict[str, Any]) -> list[str]:
    """Return the names of the messages of a kind that the frame is valid as."""
    return [
        name
        for name, message in document["components"]["messages"].items()
        if name.startswith(f"{kind}.")
        and message["name"] == frame["type"]
        and jsonschema.Draft202012Validator(message["payload"] | {"components": document["components"]}).is_valid(frame)
    ]


def test_every_frame_of_a_conversation_is_a_message_of_the_document(
    server: RunningServer, document: dict[str, Any]
) -> None:
    account = register(server.url)
    with ChatSocket(server.ws_url, account.access_token) as chat:
        for command in COMMANDS:
            assert messages_of(document, "command", command), command
            chat.send_raw(json.dumps(command))
            chat.wait_for(partial(is_reply_to, command))
        chat.join()
        chat.wait_for("head")
        renewed = {"type": "auth", "id": "12", "token": account.access_token}
        assert messages_of(document, "command", renewed)
        chat.send_raw(json.dumps(renewed))
        chat.wait_for("authenticated")
    for frame in chat.frames:
        assert messages_of(document, "event", frame), frame
    kinds = {frame["type"] for frame in chat.frames}
    assert kinds >= {"welcome", "joined", "message", "ack", "history", "pong", "left", "head", "authenticated", "error"}


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
