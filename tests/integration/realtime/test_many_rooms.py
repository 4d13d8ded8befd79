"""A client with hundreds of rooms: it joins all of them at once, and counts what it has not read."""

import json
import time
import uuid
from collections.abc import Iterator

import pytest

from cloudchat.realtime.user_allowance import JOINS_PER_SECOND, MAX_JOIN_BURST
from support.accounts import Account
from support.chat_users import RATES, room_of, signed_in
from support.many_rooms import add_rooms
from support.processes import wait_until
from support.server import RunningServer
from support.socket import ChatSocket, Frame

ROOMS = 500
ENVIRONMENT = {**RATES, "CLOUDCHAT_SENDS_PER_10S": "5000", "CLOUDCHAT_HEARTBEAT_SECONDS": "1"}


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with RunningServer(environment=ENVIRONMENT) as running:
        yield running


def join_all(chat: ChatSocket, rooms: list[str], positions: dict[str, Frame] | None = None) -> dict[str, Frame]:
    """Join all rooms at once; return the reply for each."""
    for room in rooms:
        after = {"after": positions[room]} if positions else {}
        chat.send_raw(json.dumps({"type": "join", "room": room, "id": room[:64], **after}))
    replies = [chat.wait_for(lambda frame: "id" in frame) for _ in rooms]
    return {reply["id"]: reply for reply in replies}


def positions_of(joined: dict[str, Frame]) -> dict[str, Frame]:
    return {room: {"epoch": reply["epoch"], "seq": reply["seq"]} for room, reply in joined.items()}


def post_to_all(chat: ChatSocket, rooms: list[str], text: str) -> None:
    for room in rooms:
        cid = str(uuid.uuid4())
        chat.send_raw(json.dumps({"type": "send", "room": room, "cid": cid, "text": text, "id": cid}))
    assert {chat.wait_for(lambda frame: "id" in frame)["type"] for _ in rooms} == {"ack"}


def unread_rooms(chat: ChatSocket) -> dict[str, tuple[int, int]]:
    """Return the rooms with unread messages or mentions."""
    reply = chat.command("unread")
    assert reply["type"] == "unread", reply
    return {room["room"]: (room["unread"], room["mentions"]) for room in reply["rooms"] if room["unread"]}


@pytest.fixture(scope="module")
def member(server: RunningServer) -> Iterator[tuple[Account, list[str]]]:
    """A user with `ROOMS` rooms beside the lobby, which contain one message each."""
    with signed_in(server, "ann") as [ann]:
        rooms = add_rooms(server, ROOMS, [ann.user_id])
        with ChatSocket(server.ws_url, ann.access_token) as chat:
            post_to_all(chat, rooms, "the first message")
        yield ann, rooms


def test_all_rooms_are_resumed_at_once_after_a_kill(server: RunningServer, member: tuple[Account, list[str]]) -> None:
    ann, rooms = member
    with ChatSocket(server.ws_url, ann.access_token) as chat:
        joined = join_all(chat, rooms)
        assert {reply["type"] for reply in joined.values()} == {"joined"}
        positions = positions_of(joined)
        post_to_all(chat, rooms, "missed")
    server.kill()
    server.start()
    started_at = time.monotonic()
    with ChatSocket(server.ws_url, ann.access_token) as chat:
        joined = join_all(chat, rooms, positions)
        assert {reply.get("status") for reply in joined.values()} == {"recovered"}
        assert chat.command("ping")["type"] == "pong"
        # The commands behind 500 joins are accepted.
        post_to_all(chat, rooms, "after it")
        for _ in rooms:
            chat.wait_for(lambda frame: frame.get("text") == "after it")
        took = time.monotonic() - started_at
        texts: dict[str, list[str]] = {}
        for frame in chat.frames:
            if frame["type"] == "message":
                texts.setdefault(frame["room"], []).append(frame["text"])
        assert texts == {room: ["missed", "after it"] for room in rooms}
    assert took < 30, "a bound for a machine that is shared with other tests; it takes one second"


def test_each_heartbeat_names_the_head_of_every_room(server: RunningServer, member: tuple[Account, list[str]]) -> None:
    ann, rooms = member
    with ChatSocket(server.ws_url, ann.access_token) as chat:
        heads = {room: reply["seq"] for room, reply in join_all(chat, rooms).items()}
        named: dict[str, int] = {}
        while len(named) < len(rooms):
            head = chat.wait_for("head")
            named[head["room"]] = head["seq"]
        assert named == heads


def test_a_room_is_left_after_it_was_joined_among_hundreds(
    server: RunningServer, member: tuple[Account, list[str]]
) -> None:
    ann, rooms = member
    with ChatSocket(server.ws_url, ann.access_token) as chat:
        for room in rooms[:200]:
            chat.send_raw(json.dumps({"type": "join", "room": room, "limit": 1}))
        chat.send_raw(json.dumps({"type": "leave", "room": rooms[199], "id": "leave"}))
        chat.wait_for(lambda frame: frame.get("id") == "leave")
        kinds = [frame["type"] for frame in chat.frames if frame.get("room") == rooms[199]]
        assert kinds == ["joined", "message", "left"]


def joins_until_limited(chat: ChatSocket) -> int:
    """Join the lobby again and again until a join is rejected; return how many were accepted."""
    accepted: int = 0
    while True:
        for _ in range(20):  # as many rejections as are answered
            chat.send_raw('{"type":"join","room":"lobby","id":"j","limit":1}')
        replies = [chat.wait_for(lambda frame: frame.get("id") == "j") for _ in range(20)]
        accepted += [reply["type"] for reply in replies].count("joined")
        if any(reply["type"] == "error" for reply in replies):
            assert {reply["code"] for reply in replies if reply["type"] == "error"} == {"rate_limited"}
            return accepted


def test_joins_of_one_room_again_and_again_are_limited(server: RunningServer) -> None:
    with signed_in(server, "eve") as [eve]:
        started_at = time.monotonic()
        accepted = 0
        for _ in range(2):  # a new socket continues where the closed one stopped
            with ChatSocket(server.ws_url, eve.access_token) as chat:
                accepted += joins_until_limited(chat)
        assert accepted <= MAX_JOIN_BURST + JOINS_PER_SECOND * (time.monotonic() - started_at) + 1


def test_unread_messages_are_counted_in_all_rooms(server: RunningServer) -> None:
    with signed_in(server, "una", "otto", "ina") as [una, otto, ina]:
        first, second, third = (room_of(otto, "private", f"unread {n}", una) for n in range(3))
        with (
            ChatSocket(server.ws_url, una.access_token) as chat,
            ChatSocket(server.ws_url, otto.access_token) as other,
        ):
            for number in range(3):
                other.send(f"text {number}", room=first)
            other.send("@una, come here", room=first)
            last = other.send("hello", room=second)
            chat.send("my own", room=third)
            assert [room["room"] for room in chat.command("unread")["rooms"]] == ["lobby", first, second, third]
            assert unread_rooms(chat) == {first: (4, 1), second: (1, 0)}
            with ChatSocket(server.ws_url, una.access_token) as elsewhere:
                assert elsewhere.command("read", room=second, seq=last["seq"])["type"] == "ack"
            assert unread_rooms(chat) == {first: (4, 1)}
            message = other.send("a mistake", room=second)
            assert unread_rooms(chat)[second] == (1, 0)
            other.command("delete", room=second, seq=message["seq"], cid=str(uuid.uuid4()))
            assert unread_rooms(chat) == {first: (4, 1)}
            other.command("edit", room=first, seq=message["seq"], cid=str(uuid.uuid4()), text="text")
            assert unread_rooms(chat) == {first: (4, 1)}
        with ChatSocket(server.ws_url, ina.access_token) as chat:
            assert chat.command("unread")["rooms"] == [{"room": "lobby", "unread": 0, "mentions": 0}]


def test_unread_messages_before_the_log_are_counted_in_the_archive() -> None:
    environment = {**ENVIRONMENT, "CLOUDCHAT_HISTORY_MESSAGES": "100"}
    with RunningServer(environment=environment) as server, signed_in(server, "una", "otto") as [una, otto]:
        room = room_of(otto, "private", "long", una)
        with (
            ChatSocket(server.ws_url, una.access_token) as chat,
            ChatSocket(server.ws_url, otto.access_token) as other,
        ):
            first = other.send("@una, the oldest", room=room)["seq"]
            post_to_all(other, [room] * 400, "one of many")
            wait_until(lambda: chat.join(room)["oldest"] > first + 200, "the log is trimmed")
            assert unread_rooms(chat) == {room: (401, 1)}
            assert chat.command("read", room=room, seq=first + 50)["type"] == "ack"
            assert unread_rooms(chat) == {room: (350, 0)}
            post_to_all(other, [room] * 700, "one of many")
            assert unread_rooms(chat) == {room: (1000, 0)}


def test_read_marker_of_another_process_counts_immediately() -> None:
    with RunningServer(workers=2, environment=ENVIRONMENT) as server, signed_in(server, "una", "otto") as [una, otto]:
        room = room_of(otto, "private", "unread", una)
        with ChatSocket(server.ws_url, otto.access_token) as other:
            sockets = [ChatSocket(server.ws_url, una.access_token) for _ in range(6)]
            try:
                for chat in sockets:
                    chat.join(room)
                for number, reader in enumerate(sockets):
                    seq = other.send(f"text {number}", room=room)["seq"]
                    assert all(unread_rooms(chat) == {room: (1, 0)} for chat in sockets)
                    assert reader.command("read", room=room, seq=seq)["seq"] == seq
                    assert all(unread_rooms(chat) == {} for chat in sockets)
            finally:
                for chat in sockets:
                    chat.close()
