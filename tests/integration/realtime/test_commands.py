"""What each command answers, and what is refused: the error, and whether the socket lives on."""

import json
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed

from support.accounts import Account, register
from support.server import RunningServer
from support.socket import ChatSocket

CID = "00000000-0000-4000-8000-000000000001"
SENDS = 5
PATIENCE = 20


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with RunningServer(environment={"CLOUDCHAT_SENDS_PER_10S": str(SENDS)}) as running:
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


def test_welcome_says_who_one_is_and_what_is_allowed(server: RunningServer, account: Account) -> None:
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
        ({"type": "join", "room": "lobby", "limit": 0}, "limit"),
        ({"type": "join", "room": "lobby", "limit": 501}, "limit"),
        ({"type": "join", "room": "lobby", "limit": 1.5}, "limit"),
        ({"type": "join", "room": "lobby", "after": 3}, "after"),
        ({"type": "join", "room": "lobby", "after": {"epoch": "e"}}, "after"),
        ({"type": "join", "room": "lobby", "after": {"epoch": "e", "seq": -1}}, "after"),
        ({"type": "join", "room": "lobby", "after": {"epoch": "e", "seq": 2**53}}, "after"),
        ({"type": "history", "room": "lobby", "before": 0, "limit": 5}, "before"),
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
def test_a_malformed_command_is_answered_and_the_socket_stays(
    chat: ChatSocket, frame: dict[str, object], field: str
) -> None:
    chat.send_raw(json.dumps({**frame, "id": "mine"}))
    error = chat.receive()
    assert (error["type"], error["id"], error["code"], error["retryable"]) == ("error", "mine", "bad_request", False)
    assert error.get("field") == field
    assert chat.command("ping")["type"] == "pong"


@pytest.mark.parametrize("id", ["x" * 65, 5, None, {"a": 1}])
def test_a_bad_id_is_not_repeated(chat: ChatSocket, id: object) -> None:
    chat.send_raw(json.dumps({"type": "zap", "id": id}))
    error = chat.receive()
    assert error["code"] == "bad_request"
    assert "id" not in error


@pytest.mark.parametrize("text", ["\\ud800", "\\udc00\\ud800"])
def test_a_lone_surrogate_harms_its_sender_alone(chat: ChatSocket, text: str) -> None:
    chat.send_raw(f'{{"type":"send","id":"s","room":"lobby","cid":"{CID}","text":"{text}"}}')
    assert chat.receive()["code"] == "bad_request"
    assert chat.command("ping")["type"] == "pong"


@pytest.mark.parametrize("number", ["1e999", "1" * 5000, "NaN", "-Infinity", "9" * 20])
def test_a_number_out_of_all_bounds_is_refused(chat: ChatSocket, number: str) -> None:
    chat.send_raw(f'{{"type":"join","room":"lobby","after":{{"epoch":"e","seq":{number}}}}}')
    assert chat.receive()["code"] == "bad_request"
    assert chat.command("ping")["type"] == "pong"


def test_a_text_is_counted_in_characters(chat: ChatSocket) -> None:
    assert chat.send("🥊" * 4000)["type"] == "ack"
    error = chat.send("🥊" * 4001)
    assert (error["code"], error["field"], error["retryable"]) == ("too_large", "text", False)


@pytest.mark.parametrize("type_", ["join", "send", "history"])
def test_a_room_one_is_not_in_does_not_exist(chat: ChatSocket, type_: str) -> None:
    fields = {"join": {}, "send": {"cid": CID, "text": "x"}, "history": {"before": 5, "limit": 5}}[type_]
    error = chat.command(type_, room="secret", **fields)
    assert (error["type"], error["code"], error["field"]) == ("error", "not_found", "room")


@pytest.mark.parametrize("text", ["[]", '"x"', "5", "null", "nonsense", "", "{", "[" * 30000])
def test_what_is_no_object_ends_it_after_an_error(chat: ChatSocket, text: str) -> None:
    chat.send_raw(text)
    assert chat.receive()["code"] == "bad_request"
    assert close_code(chat) == 4400


def test_deep_nesting_in_a_field_is_one_bad_command(chat: ChatSocket) -> None:
    chat.send_raw('{"type":"join","room":' + "[" * 20000 + "]" * 20000 + "}")
    assert chat.receive()["code"] == "bad_request"


def test_patience_with_bad_commands_ends(chat: ChatSocket) -> None:
    for _ in range(PATIENCE):
        assert chat.command("zap")["code"] == "bad_request"
    assert chat.command("ping")["type"] == "pong"  # one good one, and it begins anew
    for _ in range(PATIENCE + 1):
        assert chat.command("zap")["code"] == "bad_request"
    assert close_code(chat) == 4400


def test_too_many_sends_are_warned_and_then_closed(chat: ChatSocket) -> None:
    for number in range(SENDS):
        assert chat.send(f"m{number}")["type"] == "ack"
    for _ in range(PATIENCE + 1):
        error = chat.send("too much")
        assert (error["code"], error["retryable"]) == ("rate_limited", True)
        assert 0 < error["retry_after_ms"] <= 10_000 / SENDS
    assert close_code(chat) == 4429


def test_a_refused_send_was_not_stored(chat: ChatSocket) -> None:
    chat.join(limit=1)
    while chat.send("until it is too much")["type"] == "ack":
        pass
    last = max(frame["seq"] for frame in chat.frames if frame["type"] == "ack")
    page = chat.command("history", room="lobby", before=2**53 - 1, limit=1)
    assert page["events"][0]["seq"] == last


def test_a_token_of_somebody_else_is_refused_in_band(server: RunningServer, chat: ChatSocket) -> None:
    other = register(server.url)
    assert chat.command("auth", token=other.access_token)["code"] == "forbidden"
    assert chat.command("auth", token="nonsense")["code"] == "forbidden"
    assert chat.command("ping")["type"] == "pong"


def test_a_fresh_token_of_ones_own_is_taken(chat: ChatSocket, account: Account) -> None:
    assert chat.command("auth", token=account.access_token)["type"] == "authenticated"


def test_head_comes_with_every_heartbeat() -> None:
    with (
        RunningServer(environment={"CLOUDCHAT_HEARTBEAT_SECONDS": "0.3"}) as server,
        ChatSocket(server.ws_url, register(server.url).access_token) as chat,
    ):
        chat.receive()
        chat.join()
        place = chat.send("hello")
        for _ in range(3):
            head = chat.wait_for(lambda frame: frame["type"] == "head" and frame["seq"] > 0)
            assert (head["room"], head["epoch"], head["seq"]) == ("lobby", place["epoch"], place["seq"])
