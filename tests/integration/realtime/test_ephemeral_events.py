"""Typing and read markers, between sockets of several processes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from support.accounts import Account, register
from support.processes import wait_until
from support.server import RunningServer
from support.socket import ChatSocket, Frame

SOCKETS = 6
"""Enough that both processes have some."""


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with RunningServer(workers=2) as running:
        yield running


@pytest.fixture
def open_sockets(server: RunningServer) -> Iterator[Callable[[Account], list[ChatSocket]]]:
    with ExitStack() as opened:

        def open_them(account: Account) -> list[ChatSocket]:
            chats = [opened.enter_context(ChatSocket(server.ws_url, account.access_token)) for _ in range(SOCKETS)]
            for chat in chats:
                chat.join()
            return chats

        yield open_them


def received(chat: ChatSocket, kind: str) -> list[Frame]:
    """Return the frames of a kind received up to the reply to a ping that is sent now."""
    chat.command("ping")
    return [frame for frame in chat.frames if frame["type"] == kind and "id" not in frame]


def test_typing_reaches_the_others_in_every_process_once(
    server: RunningServer, open_sockets: Callable[[Account], list[ChatSocket]]
) -> None:
    typist, other = register(server.url), register(server.url)
    own, others = open_sockets(typist), open_sockets(other)
    for chat in own:
        chat.send_raw('{"type":"typing","room":"lobby"}')
    expected = {"type": "typing", "room": "lobby", "user": {"id": typist.user_id, "name": typist.name}}
    for chat in others:
        assert chat.wait_for("typing") == expected
    # A later signal has been delivered, so an earlier one would have been, too.
    others[0].send_raw('{"type":"typing","room":"lobby"}')
    for chat in own:
        assert chat.wait_for("typing")["user"]["id"] == other.user_id
    assert [len(received(chat, "typing")) for chat in others] == [1] * SOCKETS
    assert [len(received(chat, "typing")) for chat in own] == [1] * SOCKETS


def test_a_read_marker_reaches_the_users_other_sockets_and_never_goes_back(
    server: RunningServer, open_sockets: Callable[[Account], list[ChatSocket]]
) -> None:
    reader, other = register(server.url), register(server.url)
    chats, [stranger, *_] = open_sockets(reader), open_sockets(other)
    seqs = [stranger.send(f"message {number}")["seq"] for number in range(3)]
    assert chats[0].command("read", room="lobby", seq=seqs[1]) | {"id": ""} == {
        "type": "ack",
        "id": "",
        "room": "lobby",
        "seq": seqs[1],
    }
    for chat in chats[1:]:
        assert chat.wait_for("read") == {"type": "read", "room": "lobby", "seq": seqs[1]}
    assert chats[1].command("read", room="lobby", seq=seqs[0])["seq"] == seqs[1]
    assert received(chats[0], "read") == received(stranger, "read") == []
    server.kill()
    server.start()
    with ChatSocket(server.ws_url, reader.access_token) as chat:
        assert chat.wait_for("welcome")["rooms"][0]["read"] == seqs[1]


def test_a_read_marker_is_between_zero_and_the_newest_event(server: RunningServer) -> None:
    account = register(server.url)
    with ChatSocket(server.ws_url, account.access_token) as chat:
        assert chat.command("read", room="lobby", seq=0)["seq"] == 0
        seq = chat.send("the newest")["seq"]
        assert chat.command("read", room="lobby", seq=2**53 - 1)["seq"] == seq
        assert chat.command("read", room="lobby", seq=0)["seq"] == seq


def test_the_others_in_a_direct_room_learn_up_to_where_it_was_read(
    server: RunningServer, open_sockets: Callable[[Account], list[ChatSocket]]
) -> None:
    reader, author = register(server.url), register(server.url)
    body = {"kind": "direct", "users": [author.user_id]}
    room = reader.http.post("/api/rooms", json=body).raise_for_status().json()["id"]
    chats, others = open_sockets(reader), open_sockets(author)
    for chat in [*chats, *others]:
        chat.join(room)
    seq = others[0].send("have you seen this?", room=room)["seq"]
    assert read_by(author, room) == {reader.user_id: 0}
    chats[0].command("read", room=room, seq=seq)
    for chat in others:
        assert chat.wait_for("read_by") == {"type": "read_by", "room": room, "user": reader.user_id, "seq": seq}
    chats[1].wait_for("read")
    assert received(chats[0], "read_by") == received(chats[1], "read_by") == received(others[0], "read") == []
    assert read_by(author, room) == {reader.user_id: seq}
    assert read_by(reader, "lobby") is None
    chats[0].command("read", room="lobby", seq=chats[0].send("in the lobby")["seq"])
    chats[1].wait_for("read")
    assert len(received(others[0], "read_by")) == 1


def read_by(caller: Account, room: str) -> object:
    return caller.http.get(f"/api/rooms/{room}").raise_for_status().json().get("read_by")


def private_room(owner: Account, *members: Account) -> str:
    body = {"kind": "private", "name": "presence", "users": [member.user_id for member in members]}
    room: str = owner.http.post("/api/rooms", json=body).raise_for_status().json()["id"]
    return room


def presence_of(user: Account, online: bool) -> Callable[[Frame], bool]:
    return lambda frame: (
        frame["type"] == "presence" and frame["user"]["id"] == user.user_id and frame["online"] == online
    )


def online_in(chat: ChatSocket, room: str) -> set[str]:
    present = chat.command("who", room=room)
    names = {user["name"] for user in present["users"]}
    assert present["total"] == len(names)
    return names


def test_the_members_of_a_small_room_learn_who_comes_and_goes(server: RunningServer) -> None:
    watcher, other = register(server.url), register(server.url)
    room = private_room(watcher, other)
    with ChatSocket(server.ws_url, watcher.access_token) as chat:
        chat.join(room)
        with ExitStack() as opened:
            for _ in range(SOCKETS):
                opened.enter_context(ChatSocket(server.ws_url, other.access_token)).wait_for("welcome")
            chat.wait_for(presence_of(other, True))
            both = {watcher.name, other.name}
            wait_until(lambda: online_in(chat, room) == both, "both to be online")
        chat.wait_for(presence_of(other, False), seconds=30)
        assert online_in(chat, room) == {watcher.name}
        assert [frame["online"] for frame in received(chat, "presence")] == [True, False]


@pytest.mark.parametrize("command", ["typing", "read", "who"])
def test_a_room_that_the_user_is_not_in_is_not_found(server: RunningServer, command: str) -> None:
    account = register(server.url)
    fields = {"seq": 1} if command == "read" else {}
    with ChatSocket(server.ws_url, account.access_token) as chat:
        assert chat.command(command, room="elsewhere", **fields)["code"] == "not_found"
