"""Typing and read markers, between sockets of several processes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from support.accounts import Account, register
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


def test_a_read_marker_cannot_be_ahead_of_the_room(server: RunningServer) -> None:
    account = register(server.url)
    with ChatSocket(server.ws_url, account.access_token) as chat:
        seq = chat.send("the newest")["seq"]
        assert chat.command("read", room="lobby", seq=2**53 - 1)["seq"] == seq


@pytest.mark.parametrize("command", ["typing", "read"])
def test_a_room_that_the_user_is_not_in_is_not_found(server: RunningServer, command: str) -> None:
    account = register(server.url)
    fields = {"seq": 1} if command == "read" else {}
    with ChatSocket(server.ws_url, account.access_token) as chat:
        assert chat.command(command, room="elsewhere", **fields)["code"] == "not_found"
