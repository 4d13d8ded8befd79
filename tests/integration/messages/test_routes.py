"""Messages over HTTP: the same path, deduplication and limits as over a socket."""

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from support.accounts import Account, register
from support.server import RunningServer
from support.socket import ChatSocket


@pytest.fixture
def ann(server: RunningServer) -> Iterator[Account]:
    account = register(server.url)
    yield account
    account.http.close()


def post(account: Account, text: str, *, key: str | None = None, room: str = "lobby", **fields: Any) -> httpx.Response:
    headers = {"Idempotency-Key": key or str(uuid.uuid4())}
    return account.http.post(f"/api/rooms/{room}/messages", json={"text": text, **fields}, headers=headers)


def history(account: Account, **query: int) -> dict[str, Any]:
    response = account.http.get("/api/rooms/lobby/history", params=query)
    assert response.status_code == 200, response.text
    page: dict[str, Any] = response.json()
    return page


def test_a_message_is_posted_once_and_reaches_sockets(server: RunningServer, ann: Account) -> None:
    key = str(uuid.uuid4())
    assert post(ann, "before").json()["seq"] == 1
    with ChatSocket(server.ws_url, register(server.url).access_token) as bob:
        bob.join(limit=0)
        missing = post(ann, "hello", key=key, reply_to=2)
        assert (missing.status_code, missing.json()["error"]["field"]) == (404, "reply_to")
        first = post(ann, "hello", key=key.upper(), reply_to=1)
        assert first.status_code == 201
        ack = first.json()
        assert (ack["room"], ack["seq"], ack["cid"], ack["duplicate"]) == ("lobby", 2, key, False)
        message = bob.wait_for("message")
        assert (message["text"], message["cid"], message["reply_to"]) == ("hello", key, 1)
        assert message["user"] == {"id": ann.user_id, "name": ann.name}
        assert (message["epoch"], message["at"]) == (ack["epoch"], ack["at"])
    again = post(ann, "hello", key=key)
    assert (again.status_code, again.json()) == (200, {**ack, "duplicate": True})
    with ChatSocket(server.ws_url, ann.access_token) as socket:
        assert socket.send("hello", cid=key)["duplicate"]


def test_history_is_that_of_the_command(server: RunningServer, ann: Account) -> None:
    for number in range(1, 6):
        assert post(ann, f"m{number}").status_code == 201
    with ChatSocket(server.ws_url, ann.access_token) as socket:
        for query in ({"before": 3}, {"after": 2}, {"around": 3}, {"after": 0}):
            reply = socket.command("history", room="lobby", limit=2, **query)
            del reply["type"], reply["id"]
            assert history(ann, limit=2, **query) == reply
    assert [event["text"] for event in history(ann, limit=3)["events"]] == ["m3", "m4", "m5"]


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        ({"text": ""}, {}, 422, "bad_request"),
        ({"text": "\x1b[2J"}, {}, 422, "bad_request"),
        ({"text": "x" * 4001}, {}, 413, "too_large"),
        ({"text": "x", "reply_to": 0}, {}, 422, "bad_request"),
        ({"text": "x", "reply_to": "1"}, {}, 422, "bad_request"),
        ({"text": "x", "reply_to": True}, {}, 422, "bad_request"),
        ({"text": "x", "unknown": 1}, {}, 422, "bad_request"),
        ({}, {}, 422, "bad_request"),
        ({"text": "x"}, {"Idempotency-Key": "no uuid"}, 422, "bad_request"),
    ],
)
def test_invalid_messages_are_rejected(
    ann: Account, body: dict[str, Any], headers: dict[str, str], status: int, code: str
) -> None:
    sent = {"Idempotency-Key": str(uuid.uuid4()), **headers}
    response = ann.http.post("/api/rooms/lobby/messages", json=body, headers=sent)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert history(ann)["events"] == []


def test_a_key_is_required(ann: Account) -> None:
    assert ann.http.post("/api/rooms/lobby/messages", json={"text": "x"}).status_code == 422


def test_rooms_of_others_do_not_exist(ann: Account) -> None:
    assert post(ann, "hello", room="secret").status_code == 404
    assert ann.http.get("/api/rooms/secret/history").status_code == 404


@pytest.mark.parametrize("query", [{"before": 0}, {"limit": 201}, {"limit": 0}, {"before": 1, "after": 1}])
def test_invalid_positions_are_rejected(ann: Account, query: dict[str, int]) -> None:
    assert ann.http.get("/api/rooms/lobby/history", params=query).status_code == 422


def test_requests_and_sockets_of_a_user_share_the_limits() -> None:
    with RunningServer(environment={"CLOUDCHAT_SENDS_PER_10S": "2"}) as server:
        ann, bob = register(server.url), register(server.url)
        with ChatSocket(server.ws_url, ann.access_token) as socket:
            assert [socket.send("x")["type"] for _ in range(2)] == ["ack", "ack"]
            responses = [post(ann, "x") for _ in range(6)]
        codes = [response.status_code for response in responses]
        assert codes.count(201) in (4, 5)
        refused = responses[codes.index(429)]
        assert refused.json()["error"]["retry_after_ms"] > 0
        assert int(refused.headers["Retry-After"]) >= 1
        assert post(bob, "x").status_code == 201
        for account in (ann, bob):
            account.http.close()
