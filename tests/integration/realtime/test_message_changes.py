"""Edits, deletions and reactions over sockets, as every client sees them."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from support.accounts import Account, register
from support.server import RunningServer
from support.socket import ChatSocket


@pytest.fixture
def ann(server: RunningServer) -> Iterator[ChatSocket]:
    with socket_of(server, register(server.url)) as socket:
        yield socket


@pytest.fixture
def bob(server: RunningServer) -> Iterator[ChatSocket]:
    with socket_of(server, register(server.url)) as socket:
        yield socket


def socket_of(server: RunningServer, account: Account) -> ChatSocket:
    return ChatSocket(server.ws_url, account.access_token)


def change(socket: ChatSocket, type_: str, seq: int, **fields: Any) -> dict[str, Any]:
    return socket.command(type_, **{"room": "lobby", "cid": str(uuid.uuid4()), "seq": seq, **fields})


def test_changes_reach_the_members_and_a_later_join(server: RunningServer, ann: ChatSocket, bob: ChatSocket) -> None:
    for socket in (ann, bob):
        assert socket.join()["type"] == "joined"
    target = ann.send("a secret")["seq"]
    edit = change(ann, "edit", target, text="another secret")
    assert (edit["type"], edit["seq"], edit["duplicate"]) == ("ack", target + 1, False)
    assert change(bob, "react", target, emoji="👍", on=True)["seq"] == target + 2
    edited = bob.wait_for("edited")
    assert (edited["target"], edited["text"]) == (target, "another secret")
    reaction = ann.wait_for("reaction")
    assert (reaction["target"], reaction["emoji"], reaction["on"]) == (target, "👍", True)
    (row,) = bob.command("history", room="lobby", around=target, limit=1)["events"]
    assert (row["text"], row["edited_at"]) == ("another secret", edit["at"])
    assert row["reactions"] == [{"emoji": "👍", "count": 1, "users": [reaction["user"]["id"]]}]

    deletion = change(ann, "delete", target)
    deleted = bob.wait_for("deleted")
    assert (deleted["seq"], deleted["target"]) == (deletion["seq"], target) == (target + 3, target)
    with ChatSocket(server.ws_url, register(server.url).access_token) as late:
        assert late.join(after={"epoch": deletion["epoch"], "seq": target - 1})["status"] == "recovered"
        late.wait_for("deleted")
        events = [frame for frame in late.frames if frame.get("seq", 0) >= target and frame["type"] != "joined"]
        assert [event["seq"] for event in events] == list(range(target, target + 4))
        assert [event.get("text") for event in events] == ["", "", None, None]
        assert not any("secret" in raw for raw in late.raw)
        page = late.command("history", room="lobby", before=2**53 - 1)
        assert (page["events"][-1]["text"], page["events"][-1]["deleted_at"]) == ("", deletion["at"])
        assert page["as_of"] == target + 3


def test_refused_changes_are_answered_by_errors(ann: ChatSocket, bob: ChatSocket) -> None:
    target = ann.send("mine")["seq"]
    for type_, fields in (("edit", {"text": "yours"}), ("delete", {})):
        error = change(bob, type_, target, **fields)
        assert (error["code"], error["field"], error["retryable"]) == ("forbidden", "seq", False)
    missing = change(ann, "edit", target + 1, text="nothing")
    assert (missing["code"], missing["field"]) == ("not_found", "seq")
    cid = str(uuid.uuid4())
    first, again = (change(ann, "delete", target, cid=cid) for _ in range(2))
    assert (first["seq"], first["duplicate"], again["seq"], again["duplicate"]) == (target + 1, False, target + 1, True)
    unchanged = change(ann, "delete", target)
    assert (unchanged["seq"], unchanged["duplicate"]) == (target, True)
    assert change(ann, "react", target, emoji="👍", on=True)["code"] == "not_found"


def test_changes_use_the_budget_of_sends(ann: ChatSocket) -> None:
    target = ann.send("hello")["seq"]
    replies = [change(ann, "react", target, emoji="👍", on=number % 2 == 0) for number in range(25)]
    codes = {reply.get("code", "accepted") for reply in replies}
    assert codes == {"accepted", "rate_limited"}
