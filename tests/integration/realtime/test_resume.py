"""Joins with a position, paging through the history, and duplicate sends."""

import uuid
from collections.abc import Iterator

import pytest

from support.accounts import Account, register
from support.processes import wait_until
from support.server import RunningServer
from support.socket import ChatSocket, Frame

RETAINED = 50
SENT = 80


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """A server that retains fewer events per room than were sent."""
    environment = {"CLOUDCHAT_HISTORY_MESSAGES": str(RETAINED), "CLOUDCHAT_SENDS_PER_10S": "1000"}
    with RunningServer(environment=environment) as running:
        yield running


@pytest.fixture(scope="module")
def account(server: RunningServer) -> Account:
    account = register(server.url)
    with ChatSocket(server.ws_url, account.access_token) as chat:
        chat.receive()
        for number in range(1, SENT + 1):
            assert chat.send(f"m{number}")["seq"] == number
        oldest = SENT - RETAINED + 1
        wait_until(lambda: chat.join(limit=0)["oldest"] == oldest, "the archive has taken what the log drops")
    return account


@pytest.fixture
def chat(server: RunningServer, account: Account) -> Iterator[ChatSocket]:
    with ChatSocket(server.ws_url, account.access_token) as chat:
        chat.receive()
        yield chat


def epoch_of(chat: ChatSocket) -> str:
    epoch: str = chat.frames[0]["rooms"][0]["epoch"]
    return epoch


def received_seqs(chat: ChatSocket) -> list[int]:
    """Return the seqs of the messages received up to the reply to a ping that is sent now."""
    chat.command("ping")
    return [frame["seq"] for frame in chat.frames if frame["type"] == "message"]


@pytest.mark.parametrize("after", [SENT - RETAINED, SENT - RETAINED + 1, SENT - 1, SENT])
def test_join_with_a_retained_position_recovers_every_later_event(chat: ChatSocket, after: int) -> None:
    joined = chat.join(after={"epoch": epoch_of(chat), "seq": after})
    assert (joined["status"], joined["seq"], joined["oldest"]) == ("recovered", SENT, SENT - RETAINED + 1)
    assert received_seqs(chat) == list(range(after + 1, SENT + 1))


def test_join_with_the_limit_0_gets_new_events_only(chat: ChatSocket) -> None:
    for after, status in ((None, "fresh"), ({"epoch": "another", "seq": 1}, "gap")):
        joined = chat.join(limit=0, after=after)
        assert (joined["status"], joined["seq"]) == (status, SENT)
    assert received_seqs(chat) == []


@pytest.mark.parametrize("after", [0, 1, SENT - RETAINED - 1])
def test_join_with_a_trimmed_position_is_a_gap_and_gets_the_newest_events(chat: ChatSocket, after: int) -> None:
    joined = chat.join(after={"epoch": epoch_of(chat), "seq": after}, limit=10)
    assert (joined["status"], joined["seq"], joined["oldest"]) == ("gap", SENT, SENT - RETAINED + 1)
    assert received_seqs(chat) == list(range(SENT - 9, SENT + 1))


@pytest.mark.parametrize("position", [{"epoch": "another", "seq": SENT - 5}, {"seq": SENT + 1}, {"seq": 2**53 - 1}])
def test_join_with_an_unknown_position_is_a_gap(chat: ChatSocket, position: Frame) -> None:
    joined = chat.join(after={"epoch": epoch_of(chat), **position}, limit=3)
    assert joined["status"] == "gap"
    assert received_seqs(chat) == [SENT - 2, SENT - 1, SENT]


@pytest.mark.parametrize(("limit", "expected"), [(1, 1), (20, 20), (500, RETAINED)])
def test_fresh_join_gets_the_newest_events(chat: ChatSocket, limit: int, expected: int) -> None:
    joined = chat.join(limit=limit)
    assert joined["status"] == "fresh"
    assert received_seqs(chat) == list(range(SENT - expected + 1, SENT + 1))


def test_history_pages_back_to_the_first_event(chat: ChatSocket) -> None:
    seqs: list[int] = []
    before, more = SENT + 1, True
    while more:
        page = chat.command("history", room="lobby", before=before, limit=20)
        seqs = [event["seq"] for event in page["events"]] + seqs
        before, more = seqs[0], page["more_before"]
    assert seqs == list(range(1, SENT + 1))
    empty = chat.command("history", room="lobby", before=1, limit=20)
    assert (empty["events"], empty["more_before"]) == ([], False)


def test_live_replayed_and_paged_events_are_the_same_bytes(server: RunningServer, account: Account) -> None:
    with (
        ChatSocket(server.ws_url, account.access_token) as live,
        ChatSocket(server.ws_url, account.access_token) as late,
    ):
        live.join()
        ack = live.send('"quoted" <b>\\ é 🥊 \u2028', reply_to=3)
        frame = live.wait_for(lambda frame: frame.get("seq") == ack["seq"] and frame["type"] == "message")
        raw = live.raw[live.frames.index(frame)]
        late.receive()
        late.join(after={"epoch": ack["epoch"], "seq": ack["seq"] - 1})
        late.wait_for("message")
        assert late.raw[-1] == raw
        late.command("history", room="lobby", before=ack["seq"] + 1, limit=1)
        assert f'"events":[{raw}]' in late.raw[-1]


def test_second_join_on_a_socket_replays_only_the_requested_events(chat: ChatSocket) -> None:
    head = chat.join(limit=1)["seq"]
    again = chat.join(after={"epoch": epoch_of(chat), "seq": head})
    assert again["status"] == "recovered"
    ack = chat.send("once")
    chat.wait_for(lambda frame: frame["type"] == "message" and frame["seq"] == ack["seq"])
    assert received_seqs(chat) == [head, ack["seq"]]


def test_socket_that_left_the_room_receives_nothing(chat: ChatSocket) -> None:
    chat.join(limit=1)
    assert chat.command("leave", room="lobby")["type"] == "left"
    before = received_seqs(chat)
    chat.send("not received")
    assert received_seqs(chat) == before


def test_cid_is_stored_once_across_processes_and_a_restart() -> None:
    cid = str(uuid.uuid4())
    with RunningServer(workers=2) as server:
        account = register(server.url)
        sockets = [ChatSocket(server.ws_url, account.access_token) for _ in range(6)]  # very probably on both processes
        for chat in sockets:
            chat.wait_for("welcome")
            chat.join()
        first, *others = [chat.send("hello", cid=cid) for chat in sockets]
        assert not first["duplicate"]
        assert all(ack["duplicate"] for ack in others)
        assert {(ack["seq"], ack["epoch"], ack["at"]) for ack in others} == {(1, first["epoch"], first["at"])}
        second = sockets[0].send("another")
        assert second["seq"] == 2
        for chat in sockets:
            chat.wait_for(lambda frame: frame.get("text") == "another")
            assert [frame["text"] for frame in chat.frames if frame["type"] == "message"] == ["hello", "another"]
            chat.close()
        server.kill()
        server.start()
        with ChatSocket(server.ws_url, account.access_token) as chat:
            chat.receive()
            again = chat.send("hello", cid=cid)
            assert (again["seq"], again["epoch"], again["duplicate"]) == (1, first["epoch"], True)
