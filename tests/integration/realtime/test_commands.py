"""The reply to each command, and the errors: their code, and whether the socket stays open."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from support.accounts import Account, register
from support.server import RunningServer
from support.socket import ChatSocket

CID = "00000000-0000-4000-8000-000000000001"
SENDS = 5
MAX_CONSECUTIVE_REJECTIONS = 20


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    limits = {"CLOUDCHAT_SENDS_PER_10S": str(SENDS), "CLOUDCHAT_REGISTER_RATE": "6000/minute"}
    with RunningServer(environment=limits) as running:
        yield running


@pytest.fixture
def account(server: RunningServer) -> Account:
    return register(server.url)


@pytest.fixture
def chat(server: RunningServer, account: Account) -> Iterator[ChatSocket]:
    with ChatSocket(server.ws_url, account.access_token) as chat:
        chat.wait_for("welcome")
        yield chat


def close_code(chat: ChatSocket) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        chat.wait_for(lambda frame: False)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


def test_welcome_has_the_user_the_limits_and_the_rooms(server: RunningServer, account: Account) -> None:
    with ChatSocket(server.ws_url, account.access_token) as chat:
        welcome = chat.receive()
    assert welcome["type"] == "welcome"
    assert welcome["user"] == {"id": account.user_id, "name": account.name, "role": "member"}
    assert welcome["limits"] == {"frame_bytes": 65536, "text_chars": 4000, "sends_per_10s": SENDS}
    (lobby,) = welcome["rooms"]
    assert (lobby["id"], lobby["name"], lobby["kind"]) == ("lobby", "lobby", "public")
    assert account.access_token not in str(chat.raw)


@pytest.mark.parametrize(
    ("frame", "field"),
    [
        ({"type": "zap"}, "type"),
        ({}, "type"),
        ({"type": 5}, "type"),
        ({"type": "ping", "loud": True}, "loud"),
        ({"type": "join"}, "room"),
        ({"type": "join", "room": 7}, "room"),
        ({"type": "join", "room": "x" * 65}, "room"),
        ({"type": "join", "room": "lobby", "limit": -1}, "limit"),
        ({"type": "join", "room": "lobby", "limit": 501}, "limit"),
        ({"type": "join", "room": "lobby", "limit": 1.5}, "limit"),
        ({"type": "join", "room": "lobby", "after": 3}, "after"),
        ({"type": "join", "room": "lobby", "after": {"epoch": "e"}}, "after"),
        ({"type": "join", "room": "lobby", "after": {"epoch": "e", "seq": -1}}, "after"),
        ({"type": "join", "room": "lobby", "after": {"epoch": "e", "seq": 2**53}}, "after"),
        ({"type": "history", "room": "lobby", "before": 0, "limit": 5}, "before"),
        ({"type": "history", "room": "lobby", "before": 5, "limit": 201}, "limit"),
        ({"type": "history", "room": "lobby"}, "before"),
        ({"type": "history", "room": "lobby", "before": 5, "after": 5}, "before"),
        ({"type": "edit", "room": "lobby", "cid": CID, "seq": 1, "text": "\x1b[2J"}, "text"),
        ({"type": "edit", "room": "lobby", "cid": CID, "text": "x"}, "seq"),
        ({"type": "delete", "room": "lobby", "cid": CID, "seq": 0}, "seq"),
        ({"type": "react", "room": "lobby", "cid": CID, "seq": 1, "emoji": "x", "on": True}, "emoji"),
        ({"type": "react", "room": "lobby", "cid": CID, "seq": 1, "emoji": "👍", "on": 1}, "on"),
        ({"type": "send", "room": "lobby", "text": "x"}, "cid"),
        ({"type": "send", "room": "lobby", "cid": "no uuid", "text": "x"}, "cid"),
        ({"type": "send", "room": "lobby", "cid": CID + "\n", "text": "x"}, "cid"),
        ({"type": "send", "room": "lobby", "cid": CID}, "text"),
        ({"type": "send", "room": "lobby", "cid": CID, "text": ["x"]}, "text"),
        ({"type": "send", "room": "lobby", "cid": CID, "text": ""}, "text"),
        ({"type": "send", "room": "lobby", "cid": CID, "text": " \n\t "}, "text"),
        ({"type": "send", "room": "lobby", "cid": CID, "text": "a\0b"}, "text"),
        ({"type": "send", "room": "lobby", "cid": CID, "text": "\x1b[2J"}, "text"),
        ({"type": "send", "room": "lobby", "cid": CID, "text": "x", "reply_to": 0}, "reply_to"),
        ({"type": "auth"}, "token"),
    ],
)
def test_malformed_command_gets_an_error_and_keeps_the_socket_open(
    chat: ChatSocket, frame: dict[str, object], field: str
) -> None:
    chat.send_raw(json.dumps({**frame, "id": "mine"}))
    error = chat.receive()
    assert (error["type"], error["id"], error["code"], error["retryable"]) == ("error", "mine", "bad_request", False)
    assert error.get("field") == field
    assert chat.command("ping")["type"] == "pong"


@pytest.mark.parametrize("id", ["x" * 65, 5, None, {"a": 1}])
def test_invalid_id_is_not_echoed(chat: ChatSocket, id: object) -> None:
    chat.send_raw(json.dumps({"type": "zap", "id": id}))
    error = chat.receive()
    assert error["code"] == "bad_request"
    assert "id" not in error


@pytest.mark.parametrize("text", ["\\ud800", "\\udc00\\ud800"])
def test_lone_surrogate_is_rejected_and_keeps_the_socket_open(chat: ChatSocket, text: str) -> None:
    chat.send_raw(f'{{"type":"send","id":"s","room":"lobby","cid":"{CID}","text":"{text}"}}')
    assert chat.receive()["code"] == "bad_request"
    assert chat.command("ping")["type"] == "pong"


@pytest.mark.parametrize("nested", ["[" * 20_000 + "]" * 20_000, '{"a":' * 9000 + "1" + "}" * 9000])
def test_deeply_nested_value_is_rejected_and_keeps_the_socket_open(chat: ChatSocket, nested: str) -> None:
    chat.send_raw(f'{{"type":"ping","id":"d","deep":{nested}}}')
    error = chat.receive()
    assert (error["code"], error["id"]) == ("bad_request", "d")
    assert chat.command("ping")["type"] == "pong"


@pytest.mark.parametrize("number", ["1e999", "1" * 5000, "NaN", "-Infinity", "9" * 20])
def test_number_out_of_range_is_rejected(chat: ChatSocket, number: str) -> None:
    chat.send_raw(f'{{"type":"join","room":"lobby","after":{{"epoch":"e","seq":{number}}}}}')
    assert chat.receive()["code"] == "bad_request"
    assert chat.command("ping")["type"] == "pong"


def test_text_limit_counts_characters(chat: ChatSocket) -> None:
    assert chat.send("🥊" * 4000)["type"] == "ack"
    error = chat.send("🥊" * 4001)
    assert (error["code"], error["field"], error["retryable"]) == ("too_large", "text", False)


@pytest.mark.parametrize("type_", ["join", "send", "edit", "delete", "react", "history"])
def test_room_that_the_user_is_not_in_is_not_found(chat: ChatSocket, type_: str) -> None:
    fields: dict[str, dict[str, Any]] = {
        "join": {},
        "send": {"cid": CID, "text": "x"},
        "edit": {"cid": CID, "seq": 1, "text": "x"},
        "delete": {"cid": CID, "seq": 1},
        "react": {"cid": CID, "seq": 1, "emoji": "👍", "on": True},
        "history": {"before": 5, "limit": 5},
    }
    error = chat.command(type_, room="secret", **fields[type_])
    assert (error["type"], error["code"], error["field"]) == ("error", "not_found", "room")


@pytest.mark.parametrize("text", ["[]", '"x"', "5", "null", "nonsense", "", "{", "[" * 30000])
def test_frame_that_is_not_an_object_gets_an_error_and_closes_with_4400(chat: ChatSocket, text: str) -> None:
    chat.send_raw(text)
    assert chat.receive()["code"] == "bad_request"
    assert close_code(chat) == 4400


def test_deep_nesting_in_a_field_is_rejected(chat: ChatSocket) -> None:
    chat.send_raw('{"type":"join","room":' + "[" * 20000 + "]" * 20000 + "}")
    assert chat.receive()["code"] == "bad_request"


def test_too_many_consecutive_invalid_commands_close_with_4400(chat: ChatSocket) -> None:
    for _ in range(MAX_CONSECUTIVE_REJECTIONS):
        assert chat.command("zap")["code"] == "bad_request"
    assert chat.command("ping")["type"] == "pong"  # a valid command resets the count
    for _ in range(MAX_CONSECUTIVE_REJECTIONS + 1):
        assert chat.command("zap")["code"] == "bad_request"
    assert close_code(chat) == 4400


def test_sends_above_the_limit_get_errors_and_then_close_with_4429(chat: ChatSocket) -> None:
    for number in range(SENDS):
        assert chat.send(f"m{number}")["type"] == "ack"
    for _ in range(MAX_CONSECUTIVE_REJECTIONS + 1):
        error = chat.send("too much")
        assert (error["code"], error["retryable"]) == ("rate_limited", True)
        assert 0 < error["retry_after_ms"] <= 10_000 / SENDS
    assert close_code(chat) == 4429


def test_rejected_send_is_not_stored(chat: ChatSocket) -> None:
    chat.join(limit=1)
    while chat.send("until it is too much")["type"] == "ack":
        pass
    last = max(frame["seq"] for frame in chat.frames if frame["type"] == "ack")
    page = chat.command("history", room="lobby", before=2**53 - 1, limit=1)
    assert page["events"][0]["seq"] == last


def test_auth_rejects_the_token_of_another_user(server: RunningServer, chat: ChatSocket) -> None:
    other = register(server.url)
    assert chat.command("auth", token=other.access_token)["code"] == "forbidden"
    assert chat.command("auth", token="nonsense")["code"] == "forbidden"
    assert chat.command("ping")["type"] == "pong"


def test_auth_accepts_a_valid_token_of_the_same_user(chat: ChatSocket, account: Account) -> None:
    assert chat.command("auth", token=account.access_token)["type"] == "authenticated"


def test_head_is_sent_with_every_heartbeat() -> None:
    with (
        RunningServer(environment={"CLOUDCHAT_HEARTBEAT_SECONDS": "0.3"}) as server,
        ChatSocket(server.ws_url, register(server.url).access_token) as chat,
    ):
        chat.receive()
        chat.join()
        ack = chat.send("hello")
        for _ in range(3):
            head = chat.wait_for(lambda frame: frame["type"] == "head" and frame["seq"] > 0)
            assert (head["room"], head["epoch"], head["seq"]) == ("lobby", ack["epoch"], ack["seq"])
