"""Coming back with a position, paging back, and saying the same thing twice."""

import uuid
from collections.abc import Iterator

import pytest

from support.accounts import Account, register
from support.server import RunningServer
from support.socket import ChatSocket, Frame

KEPT = 50
SENT = 80


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """A server that keeps few events, with more than that sent."""
    environment = {"CLOUDCHAT_HISTORY_MESSAGES": str(KEPT), "CLOUDCHAT_SENDS_PER_10S": "1000"}
    with RunningServer(environment=environment) as running:
        yield running


@pytest.fixture(scope="module")
def account(server: RunningServer) -> Account:
    account = register(server.url)
    with ChatSocket(server.ws_url, account.access_token) as chat:
        chat.receive()
        for number in range(1, SENT + 1):
            assert chat.send(f"m{number}")["seq"] == number
    return account


@pytest.fixture
def chat(server: RunningServer, account: Account) -> Iterator[ChatSocket]:
    with ChatSocket(server.ws_url, account.access_token) as chat:
        chat.receive()
        yield chat


def epoch_of(chat: ChatSocket) -> str:
    epoch: str = chat.frames[0]["rooms"][0]["epoch"]
    return epoch


def replay(chat: ChatSocket) -> list[int]:
    """The seqs that follow `joined`, up to the reply to a ping that was sent after it."""
    chat.command("ping")
    return [frame["seq"] for frame in chat.frames if frame["type"] == "message"]


@pytest.mark.parametrize("after", [SENT - KEPT, SENT - KEPT + 1, SENT - 1, SENT])
def test_what_is_still_kept_is_recovered_exactly(chat: ChatSocket, after: int) -> None:
    joined = chat.join(after={"epoch": epoch_of(chat), "seq": after})
    assert (joined["status"], joined["seq"], joined["oldest"]) == ("recovered", SENT, SENT - KEPT + 1)
    assert replay(chat) == list(range(after + 1, SENT + 1))


@pytest.mark.parametrize("after", [0, 1, SENT - KEPT - 1])
def test_what_was_trimmed_is_a_gap_and_the_newest(chat: ChatSocket, after: int) -> None:
    joined = chat.join(after={"epoch": epoch_of(chat), "seq": after}, limit=10)
    assert (joined["status"], joined["seq"], joined["oldest"]) == ("gap", SENT, SENT - KEPT + 1)
    assert replay(chat) == list(range(SENT - 9, SENT + 1))


@pytest.mark.parametrize("position", [{"epoch": "another", "seq": SENT - 5}, {"seq": SENT + 1}, {"seq": 2**53 - 1}])
def test_a_position_that_this_log_never_had_is_a_gap(chat: ChatSocket, position: Frame) -> None:
    joined = chat.join(after={"epoch": epoch_of(chat), **position}, limit=3)
    assert joined["status"] == "gap"
    assert replay(chat) == [SENT - 2, SENT - 1, SENT]


@pytest.mark.parametrize(("limit", "expected"), [(1, 1), (20, 20), (500, KEPT)])
def test_a_fresh_join_brings_the_newest(chat: ChatSocket, limit: int, expected: int) -> None:
    joined = chat.join(limit=limit)
    assert joined["status"] == "fresh"
    assert replay(chat) == list(range(SENT - expected + 1, SENT + 1))


def test_history_pages_back_to_what_is_kept_and_no_further(chat: ChatSocket) -> None:
    seqs: list[int] = []
    before, more = SENT + 1, True
    while more:
        page = chat.command("history", room="lobby", before=before, limit=20)
        seqs = [event["seq"] for event in page["events"]] + seqs
        before, more = seqs[0], page["more"]
    assert seqs == list(range(SENT - KEPT + 1, SENT + 1))
    empty = chat.command("history", room="lobby", before=SENT - KEPT + 1, limit=20)
    assert (empty["events"], empty["more"]) == ([], False)


def test_replayed_paged_and_live_frames_are_the_same_bytes(server: RunningServer, account: Account) -> None:
    with (
        ChatSocket(server.ws_url, account.access_token) as live,
        ChatSocket(server.ws_url, account.access_token) as late,
    ):
        live.join()
        place = live.send('"quoted" <b>\\ é 🥊 \u2028', reply_to=3)
        frame = live.wait_for(lambda frame: frame.get("seq") == place["seq"] and frame["type"] == "message")
        raw = live.raw[live.frames.index(frame)]
        late.receive()
        late.join(after={"epoch": place["epoch"], "seq": place["seq"] - 1})
        late.wait_for("message")
        assert late.raw[-1] == raw
        late.command("history", room="lobby", before=place["seq"] + 1, limit=1)
        assert f'"events":[{raw}]' in late.raw[-1]


def test_joining_again_on_the_same_socket_repeats_only_what_is_asked(chat: ChatSocket) -> None:
    head = chat.join(limit=1)["seq"]
    again = chat.join(after={"epoch": epoch_of(chat), "seq": head})
    assert again["status"] == "recovered"
    place = chat.send("once")
    chat.wait_for(lambda frame: frame["type"] == "message" and frame["seq"] == place["seq"])
    assert replay(chat) == [head, place["seq"]]


def test_who_has_left_hears_nothing(chat: ChatSocket) -> None:
    chat.join(limit=1)
    assert chat.command("leave", room="lobby")["type"] == "left"
    before = replay(chat)
    chat.send("unheard")
    assert replay(chat) == before


def test_a_cid_counts_once_in_two_processes_and_after_a_restart() -> None:
    cid = str(uuid.uuid4())
    with RunningServer(workers=2) as server:
        account = register(server.url)
        sockets = [ChatSocket(server.ws_url, account.access_token) for _ in range(6)]  # on both, in all likelihood
        for chat in sockets:
            chat.wait_for("welcome")
            chat.join()
        first, *others = [chat.send("said", cid=cid) for chat in sockets]
        assert not first["duplicate"]
        assert all(ack["duplicate"] for ack in others)
        assert {(ack["seq"], ack["epoch"], ack["at"]) for ack in others} == {(1, first["epoch"], first["at"])}
        second = sockets[0].send("another")
        assert second["seq"] == 2
        for chat in sockets:
            chat.wait_for(lambda frame: frame.get("text") == "another")
            assert [frame["text"] for frame in chat.frames if frame["type"] == "message"] == ["said", "another"]
            chat.close()
        server.kill()
        server.start()
        with ChatSocket(server.ws_url, account.access_token) as chat:
            chat.receive()
            again = chat.send("said", cid=cid)
            assert (again["seq"], again["epoch"], again["duplicate"]) == (1, first["epoch"], True)
