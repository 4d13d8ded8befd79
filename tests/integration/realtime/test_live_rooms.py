"""Changes of rooms and members reach open sockets in every process, and are ordered against messages."""

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

import httpx
import pytest

from support.accounts import Account, register
from support.processes import wait_until
from support.server import RunningServer
from support.socket import ChatSocket, Frame

SOCKETS = 5
"""Enough that both processes have some."""
SECONDS = 2
"""Within this time a change must arrive."""

Open = Callable[..., list[ChatSocket]]


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with RunningServer(workers=2, environment={"CLOUDCHAT_SENDS_PER_10S": "1000"}) as running:
        yield running


@pytest.fixture
def owner(server: RunningServer) -> Account:
    return register(server.url)


@pytest.fixture
def guest(server: RunningServer) -> Account:
    return register(server.url)


@pytest.fixture
def open_sockets(server: RunningServer) -> Iterator[Open]:
    with ExitStack() as opened:

        def open_them(account: Account, count: int = SOCKETS) -> list[ChatSocket]:
            chats = [opened.enter_context(ChatSocket(server.ws_url, account.access_token)) for _ in range(count)]
            for chat in chats:
                chat.wait_for("welcome")
            return chats

        yield open_them


def done(response: httpx.Response) -> httpx.Response:
    assert response.is_success, response.text
    return response


def create(owner: Account, kind: str = "private", **fields: object) -> str:
    name = f"room {uuid.uuid4().hex[:8]}"
    room: str = done(owner.http.post("/api/rooms", json={"kind": kind, "name": name, **fields})).json()["id"]
    return room


def add(owner: Account, room: str, user: Account, role: str = "member") -> None:
    done(owner.http.put(f"/api/rooms/{room}/members/{user.user_id}", json={"role": role}))


def remove(owner: Account, room: str, user: Account) -> None:
    done(owner.http.delete(f"/api/rooms/{room}/members/{user.user_id}"))


def is_accepted(chat: ChatSocket, room: str) -> bool:
    return bool(chat.send("again", room)["type"] == "ack")


def texts(chat: ChatSocket, room: str) -> list[str]:
    chat.command("ping")
    return [frame["text"] for frame in chat.frames if frame["type"] == "message" and frame["room"] == room]


def test_a_new_member_learns_of_the_room_and_can_use_it(owner: Account, guest: Account, open_sockets: Open) -> None:
    chats = open_sockets(guest)
    room = create(owner)
    add(owner, room, guest)
    for chat in chats:
        added = chat.wait_for("room_added", seconds=SECONDS)["room"]
        assert (added["id"], added["kind"], added["role"], added["archived"]) == (room, "private", "member", False)
        assert chat.join(room)["status"] == "fresh"
        assert chat.send("hello", room)["type"] == "ack"
    kinds = [frame["kind"] for frame in chats[0].frames if frame["type"] == "notice"]
    assert kinds == ["created", "added"]


def test_the_creator_and_the_people_of_a_direct_room_learn_of_it(
    owner: Account, guest: Account, open_sockets: Open
) -> None:
    own, other = open_sockets(owner), open_sockets(guest)
    room = create(owner)
    for chat in own:
        assert chat.wait_for("room_added", seconds=SECONDS)["room"]["role"] == "owner"
        assert chat.join(room)["status"] == "fresh"
    body = {"kind": "direct", "users": [guest.user_id]}
    room = done(owner.http.post("/api/rooms", json=body)).json()["id"]
    for chats, partner in ((own, guest), (other, owner)):
        for chat in chats:
            added = chat.wait_for("room_added", seconds=SECONDS)["room"]
            assert (added["id"], added["users"]) == (room, [{"id": partner.user_id, "name": partner.name}])
            assert chat.send("hello", room)["type"] == "ack"


def test_a_room_can_be_joined_right_after_the_response(owner: Account, open_sockets: Open) -> None:
    chats = open_sockets(owner)
    for _ in range(3):
        room = create(owner)
        for chat in chats:
            assert chat.join(room)["type"] == "joined"
            assert chat.send("hello", room)["type"] == "ack"


def test_a_user_who_is_no_longer_in_a_room_can_open_sockets(owner: Account, guest: Account, open_sockets: Open) -> None:
    room = create(owner, users=[guest.user_id])
    open_sockets(guest)
    remove(owner, room, guest)
    for chat in open_sockets(guest):
        if len(chat.frames[0]["rooms"]) > 1:  # this process had not yet compared its rooms with the database
            chat.wait_for("room_removed", seconds=SECONDS)
    for chat in open_sockets(guest):
        assert [listed["id"] for listed in chat.frames[0]["rooms"]] == ["lobby"]


def test_a_removed_member_gets_nothing_more(owner: Account, guest: Account, open_sockets: Open) -> None:
    room = create(owner, users=[guest.user_id])
    chats = open_sockets(guest)
    [writer] = open_sockets(owner, 1)
    for chat in chats:
        chat.join(room)
    writer.send("before", room)
    remove(owner, room, guest)
    assert writer.send("after", room)["type"] == "ack"
    for chat in chats:
        assert chat.wait_for("room_removed", seconds=SECONDS) == {"type": "room_removed", "room": room}
        assert texts(chat, room) == ["before"]
        for command in ({"type": "leave"}, {"type": "join"}, {"type": "history", "before": 100}, {"type": "typing"}):
            answer = chat.command(str(command.pop("type")), room=room, **command)
            assert (answer["type"], answer["code"]) == ("error", "not_found")
        assert chat.send("I am still here", room)["code"] == "not_found"
    assert guest.http.get(f"/api/rooms/{room}").status_code == 404


def test_a_member_who_is_removed_and_added_again_joins_again(
    owner: Account, guest: Account, open_sockets: Open
) -> None:
    room = create(owner, users=[guest.user_id])
    chats = open_sockets(guest)
    for chat in chats:
        chat.join(room)
    remove(owner, room, guest)
    add(owner, room, guest)
    for chat in chats:
        chat.wait_for("room_added", seconds=SECONDS)
        assert [frame["type"] for frame in chat.frames if frame["type"].startswith("room_")] == [
            "room_removed",
            "room_added",
        ]
        assert chat.join(room)["type"] == "joined"


def test_a_removal_that_races_with_sends_is_ordered_by_the_log(
    owner: Account, guest: Account, open_sockets: Open
) -> None:
    """Nobody is removed between two events that the removed member receives, and no send of them follows it."""
    room = create(owner, users=[guest.user_id])
    chats, writers = open_sockets(guest), open_sockets(owner, 2)
    for chat in [*chats, *writers]:
        chat.join(room)
    acked: list[int] = []

    def send_until_refused(chat: ChatSocket) -> None:
        while (answer := chat.send("x", room))["type"] == "ack":
            acked.append(answer["seq"])

    threads = [threading.Thread(target=send_until_refused, args=[chat]) for chat in chats]
    for thread in threads:
        thread.start()
    remove(owner, room, guest)
    for thread in threads:
        thread.join(30)
    last = writers[0].send("the last", room)["seq"]
    writers[0].wait_for(lambda frame: frame.get("seq") == last)
    log = [frame for frame in writers[0].frames if "seq" in frame and frame["type"] in ("message", "notice")]
    [removed] = [frame["seq"] for frame in log if frame.get("kind") == "removed"]
    assert all(seq < removed for seq in acked)
    for chat in chats:
        chat.wait_for("room_removed", seconds=SECONDS)
        chat.command("ping")
        received = [frame["seq"] for frame in chat.frames if frame["type"] == "message" and frame["room"] == room]
        assert all(seq < removed for seq in received)


def test_what_members_see_of_a_room_changes_everywhere(owner: Account, guest: Account, open_sockets: Open) -> None:
    room = create(owner, users=[guest.user_id])
    chats = open_sockets(guest)
    name = f"renamed {uuid.uuid4().hex[:8]}"
    done(owner.http.patch(f"/api/rooms/{room}", json={"name": name, "topic": "new"}))
    for chat in chats:
        changed = chat.wait_for(lambda f: f["type"] == "room_changed" and f["room"]["topic"] == "new", seconds=SECONDS)
        assert changed["room"]["name"] == name
    done(owner.http.patch(f"/api/rooms/{room}", json={"archived": True}))
    for chat in chats:
        chat.wait_for(lambda f: f["type"] == "room_changed" and f["room"]["archived"], seconds=SECONDS)
        assert chat.send("too late", room)["code"] == "forbidden"


@pytest.mark.parametrize("kind", ["mutes", "bans"])
def test_moderation_holds_in_every_process(owner: Account, guest: Account, open_sockets: Open, kind: str) -> None:
    room = create(owner, users=[guest.user_id])
    chats = open_sockets(guest)
    for chat in chats:
        chat.join(room)
    done(owner.http.put(f"/api/rooms/{room}/{kind}/{guest.user_id}", json={"reason": "a test", "seconds": 600}))
    for chat in chats:
        if kind == "mutes":
            muted = chat.wait_for(lambda f: f["type"] == "room_changed" and f["room"]["id"] == room, seconds=SECONDS)
            assert muted["room"]["muted_until"]
        else:
            assert chat.wait_for("room_removed", seconds=SECONDS)["banned_until"]
        answer: Frame = chat.send("am I heard?", room)
        assert answer["code"] == ("muted" if kind == "mutes" else "not_found")
    done(owner.http.delete(f"/api/rooms/{room}/{kind}/{guest.user_id}"))
    if kind == "mutes":
        for chat in chats:
            wait_until(partial(is_accepted, chat, room), "the mute to be lifted", SECONDS)
            chat.wait_for(lambda f: f["type"] == "room_changed" and "muted_until" not in f["room"], seconds=SECONDS)


def test_sends_of_others_are_not_disturbed_by_changes_of_members(
    server: RunningServer, owner: Account, open_sockets: Open
) -> None:
    """Each change makes the version of the others' permission outdated: they must not notice it."""
    room = create(owner)
    writers = open_sockets(owner)
    answers: list[list[Frame]] = [[] for _ in writers]
    for chat in writers:
        chat.join(room)
    changed = threading.Event()

    def send_until_changed(chat: ChatSocket, into: list[Frame]) -> None:
        while not changed.is_set():
            into.append(chat.send(str(len(into)), room))

    threads = [
        threading.Thread(target=send_until_changed, args=[chat, into])
        for chat, into in zip(writers, answers, strict=True)
    ]
    for thread in threads:
        thread.start()
    for _ in range(10):
        add(owner, room, register(server.url))
    changed.set()
    for thread in threads:
        thread.join(30)
    for of_one in answers:
        assert {answer["type"] for answer in of_one} == {"ack"}
        seqs = [answer["seq"] for answer in of_one]
        assert seqs == sorted(seqs)


def test_slow_mode_holds_in_every_process(owner: Account, guest: Account, open_sockets: Open) -> None:
    room = create(owner, users=[guest.user_id])
    chats = open_sockets(guest)
    done(owner.http.patch(f"/api/rooms/{room}", json={"slow_mode_seconds": 60}))
    for chat in chats:
        chat.wait_for(lambda f: f["type"] == "room_changed" and f["room"]["slow_mode_seconds"] == 60, seconds=SECONDS)
    answers = [chat.send("hello", room) for chat in chats]
    assert [answer["type"] for answer in answers].count("ack") == 1
    assert {answer["code"] for answer in answers if answer["type"] == "error"} == {"rate_limited"}
    assert open_sockets(owner, 1)[0].send("owners are not slowed", room)["type"] == "ack"
    done(owner.http.patch(f"/api/rooms/{room}", json={"slow_mode_seconds": 0}))
    for chat in chats:
        chat.wait_for(lambda f: f["type"] == "room_changed" and f["room"]["slow_mode_seconds"] == 0, seconds=SECONDS)
        assert chat.send("without a wait", room)["type"] == "ack"


def test_members_are_mentioned_by_name(
    server: RunningServer, owner: Account, guest: Account, open_sockets: Open
) -> None:
    stranger = register(server.url)
    room = create(owner, users=[guest.user_id])
    [writer] = open_sockets(owner, 1)
    writer.join(room)
    text = f"@{guest.name}, `@{owner.name}` and @{stranger.name}: look, @room"
    answer = writer.send(text, room)
    assert answer["type"] == "ack", answer
    seq = answer["seq"]
    message = writer.wait_for(lambda frame: frame["type"] == "message" and frame["seq"] == seq)
    assert (message["mentions"], message["mentions_room"]) == ([guest.user_id], True)
    add(owner, room, stranger)
    seq = writer.send(f"welcome @{stranger.name}", room)["seq"]
    message = writer.wait_for(lambda frame: frame["type"] == "message" and frame["seq"] == seq)
    assert message["mentions"] == [stranger.user_id]
