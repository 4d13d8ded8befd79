"""The checkers of rooms report each planted fault with its own sentence, and accept correct observations."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from cloudchat.core.message_fold import MessageFold
from cloudchat.core.timestamps import rfc3339
from faults.rooms.checker import violations
from faults.rooms.observations import Call, Change, Frame, Received, RoomLog, RoomRun, SocketRecord

START = 1_800_000_000.0
ROOM = "room"
OLGA, MIA, BEN = 0, 1, 2
"""The sockets of the owner, of a moderator, and of a member who is removed after 9 and added again at 12 as reader."""


def at(seq: float) -> float:
    """Return the time of an event: there are ten seconds between two events."""
    return START + 10 * seq


def raw(frame: Frame) -> str:
    return msgspec.json.encode(frame).decode()


def event(seq: int, type_: str, user: str, **fields: Any) -> Frame:
    head = {"type": type_, "room": ROOM, "epoch": "e", "seq": seq, "at": rfc3339(at(seq))}
    return {**head, "user": {"id": user, "name": user}, **fields}


def message(seq: int, user: str, text: str = "", *mentions: str) -> Frame:
    fields: Frame = {"mentions": list(mentions)} if mentions else {}
    return event(seq, "message", user, cid=f"cid {seq}", text=text or f"m{seq}", **fields)


def notice(seq: int, kind: str, target: str, value: str | None = None) -> Frame:
    fields: Frame = {"kind": kind, "target": {"id": target, "name": target}, "value": value}
    return event(seq, "notice", "olga", **fields)


EVENTS = [
    event(1, "notice", "olga", kind="created"),
    notice(2, "added", "mia", "moderator"),
    notice(3, "added", "ben", "member"),
    message(4, "ben"),
    message(5, "olga", "for @ben and @mia", "ben", "mia"),
    event(6, "edited", "ben", target=4, text="e6"),
    event(7, "reaction", "ben", target=5, emoji="👍", on=True),
    message(8, "ben"),
    event(9, "deleted", "mia", target=8),
    notice(10, "removed", "ben"),
    message(11, "olga", "for @ben and @mia", "mia"),
    notice(12, "added", "ben", "reader"),
    message(13, "mia"),
]
_COMMANDS = {"message": "send", "edited": "edit", "reaction": "react", "deleted": "delete"}
_SOCKETS = {"olga": OLGA, "mia": MIA, "ben": BEN}


def call(user: str, time: float, reply: Frame | None, **frame: Any) -> Call:
    return Call(user, _SOCKETS[user], {"room": ROOM, **frame}, at(time - 0.1), reply, at(time + 0.1))


def ack(seq: int, *, duplicate: bool = False) -> Frame:
    return {"type": "ack", "room": ROOM, "seq": seq, "epoch": "e", "duplicate": duplicate}


def read_ack(seq: int) -> Frame:
    return {"type": "ack", "room": ROOM, "seq": seq}


def present(*users: str) -> Frame:
    return {"type": "present", "room": ROOM, "users": [{"id": user, "name": user} for user in users]}


def error(code: str, field: str) -> Frame:
    return {"type": "error", "code": code, "field": field, "retryable": False}


def call_of(logged: Frame) -> Call:
    """Return the command that appended an event."""
    frame: Frame = {name: logged[name] for name in ("text", "emoji", "on") if name in logged}
    if "target" in logged:
        frame["seq"] = logged["target"]
    seq = logged["seq"]
    kind = _COMMANDS[logged["type"]]
    return call(logged["user"]["id"], seq, ack(seq), type=kind, cid=f"cid {seq}", **frame)


def correct() -> RoomRun:
    """Return a run in which everything is right."""
    logged = [{**found, "text": ""} if found["seq"] == 8 else found for found in EVENTS]
    members = {"olga": "owner", "mia": "moderator", "ben": "reader"}
    log = RoomLog("private", [raw(found) for found in logged], MessageFold(logged).rows(), members)
    calls = [call_of(found) for found in EVENTS if found["type"] in _COMMANDS]
    calls += [
        call("ben", 4.5, ack(4, duplicate=True), type="send", cid="cid 4", text="m4"),
        call("ben", 7.5, ack(5, duplicate=True), type="react", cid="cid x", seq=5, emoji="👍", on=True),
        call("ben", 7.6, error("forbidden", "seq"), type="edit", cid="cid y", seq=5, text="mine"),
        call("ben", 11.5, error("not_found", "room"), type="send", cid="cid z", text="outside"),
        call("ben", 12.5, error("forbidden", "room"), type="send", cid="cid r", text="reader"),
        call("ben", 12.6, {"type": "history", "as_of": 12}, type="history"),
        call("mia", 14.5, error("muted", "room"), type="send", cid="cid m", text="muted"),
        call("mia", 16.5, None, type="send", cid="cid u", text="unknown"),
        call("mia", 8.5, read_ack(5), type="read", seq=5),
        call("mia", 9.5, read_ack(5), type="read", seq=4),
        call("mia", 11.5, present("olga", "mia"), type="who"),
    ]
    calls.sort(key=lambda made: made.sent_at)
    changes = [
        Change("olga", "mute", ROOM, "mia", at(14), 200, at(14.1)),
        Change("olga", "unmute", ROOM, "mia", at(15), 204, at(15.1)),
    ]
    sockets = [watcher("olga", "owner", 1), watcher("mia", "moderator", 2), returning()]
    return RoomRun(calls, changes, sockets, {ROOM: log}, names={user: user for user in _SOCKETS})


def received(frame: Frame, time: float | None = None) -> Received:
    return Received(at(frame["seq"] if time is None else time), raw(frame))


def added(user: str, role: str, seq: float) -> Received:
    return received({"type": "room_added", "room": {"id": ROOM, "role": role}}, seq)


def joined(head: int, *, status: str = "fresh") -> Received:
    frame = {"type": "joined", "id": f"join {head}", "room": ROOM, "status": status}
    return received({**frame, "epoch": "e", "seq": head, "oldest": 1}, head + 0.2)


def watcher(user: str, role: str, since: int) -> SocketRecord:
    """Return the socket of a member who was added by the notice `since` and stayed."""
    items = [added(user, role, since), joined(since), *map(received, EVENTS)]
    return SocketRecord(user, items, {f"join {since}": {"type": "join", "room": ROOM, "limit": 500}})


def returning() -> SocketRecord:
    """Return the socket of ben, who resumes after 9."""
    join = {"type": "join", "room": ROOM, "limit": 500}
    items = [
        added("ben", "member", 3),
        joined(3),
        *map(received, EVENTS[:9]),
        received({"type": "room_removed", "room": ROOM}, 10),
        added("ben", "reader", 12),
        joined(12, status="recovered"),
        *map(received, EVENTS[9:]),
    ]
    return SocketRecord("ben", items, {"join 3": join, "join 12": {**join, "after": {"epoch": "e", "seq": 9}}})


def test_correct_run_has_no_violation() -> None:
    assert violations(correct()) == []


# -- what is planted --------------------------------------------------------------------------------------------------


def change_log(run: RoomRun, seq: int, **fields: Any) -> None:
    """Change an event in the log, in the history and in what everybody received."""
    log = run.logs[ROOM]
    changed = raw({**log.events[seq - 1], **fields})
    for record in run.sockets:
        for number, item in enumerate(record.received):
            if item.frame.get("seq") == seq and item.frame["type"] != "joined":
                record.received[number] = Received(item.at, raw({**item.frame, **fields}))
    texts = [changed if number == seq else text for number, text in enumerate(log.raw, start=1)]
    events = [msgspec.json.decode(text) for text in texts]
    run.logs[ROOM] = RoomLog(log.kind, texts, MessageFold(events).rows(), log.members)


def replace_call(run: RoomRun, cid: str, **fields: Any) -> Call:
    found = next(made for made in run.calls if made.frame.get("cid") == cid)
    for name, value in fields.items():
        setattr(found, name, value)
    return found


def lose_an_event(run: RoomRun) -> None:
    del run.logs[ROOM].raw[10]


def start_an_epoch(run: RoomRun) -> None:
    change_log(run, 13, epoch="e2")


def keep_a_deleted_text(run: RoomRun) -> None:
    change_log(run, 8, text="m8")


def edit_for_another(run: RoomRun) -> None:
    change_log(run, 6, user={"id": "mia", "name": "mia"})


def edit_a_deleted_message(run: RoomRun) -> None:
    change_log(run, 13, type="edited", target=8, text="", user={"id": "ben", "name": "ben"})


def react_twice(run: RoomRun) -> None:
    change_log(run, 13, type="reaction", target=5, emoji="👍", on=True, user={"id": "ben", "name": "ben"})


def store_a_cid_twice(run: RoomRun) -> None:
    change_log(run, 13, cid="cid 4")


def forget_an_edit_in_history(run: RoomRun) -> None:
    run.logs[ROOM].rows[3]["text"] = "m4"


def forget_a_row(run: RoomRun) -> None:
    del run.logs[ROOM].rows[-1]


def change_live_bytes(run: RoomRun) -> None:
    items = run.sockets[OLGA].received
    items[-2] = Received(items[-2].at, items[-2].raw.replace(":", ": ", 1))


def skip_a_live_event(run: RoomRun) -> None:
    del run.sockets[MIA].received[8]


def receive_twice(run: RoomRun) -> None:
    items = run.sockets[MIA].received
    items.insert(8, items[8])


def receive_nothing_at_the_end(run: RoomRun) -> None:
    del run.sockets[OLGA].received[-1]


def start_a_replay_late(run: RoomRun) -> None:
    items = run.sockets[BEN].received
    del items[next(n for n, item in enumerate(items) if item.frame["type"] == "joined" and item.frame["seq"] == 12) + 1]


def lose_an_acknowledged_edit(run: RoomRun) -> None:
    change_log(run, 6, text="another")


def acknowledge_elsewhere(run: RoomRun) -> None:
    replace_call(run, "cid 4", reply=ack(5))


def repeat_with_another_position(run: RoomRun) -> None:
    run.calls[1].reply, run.calls[1].frame = ack(5, duplicate=True), run.calls[0].frame


def call_a_change_a_duplicate(run: RoomRun) -> None:
    found = replace_call(run, "cid x")
    found.frame = {**found.frame, "on": False}


def store_a_refused_message(run: RoomRun) -> None:
    change_log(run, 13, cid="cid z", text="outside", user={"id": "ben", "name": "ben"})


def swap_two_of_a_sender(run: RoomRun) -> None:
    first, second = (replace_call(run, cid) for cid in ("cid 4", "cid 8"))
    first.reply, second.reply = second.reply, first.reply


def acknowledge_before_an_earlier_one(run: RoomRun) -> None:
    replace_call(run, "cid 4", sent_at=at(6.5), replied_at=at(6.6))


def deliver_after_the_removal(run: RoomRun) -> None:
    """The socket is taken out of the room by `room_removed`, and not by the notice."""
    items = run.sockets[BEN].received
    removed = next(n for n, item in enumerate(items) if item.frame["type"] == "room_removed")
    items.insert(removed, received(EVENTS[9], 10.1))


def join_after_the_removal(run: RoomRun) -> None:
    items = run.sockets[BEN].received
    removed = next(n for n, item in enumerate(items) if item.frame["type"] == "room_removed")
    items.insert(removed, joined(11))
    run.sockets[BEN].joins["join 11"] = {"type": "join", "room": ROOM, "limit": 500}


def join_before_the_addition(run: RoomRun) -> None:
    items = run.sockets[BEN].received
    items[1] = Received(at(1), items[1].raw)


def read_history_outside(run: RoomRun) -> None:
    next(made for made in run.calls if made.frame["type"] == "history").replied_at = at(11)


def send_after_room_removed(run: RoomRun) -> None:
    items = run.sockets[BEN].received
    removed = next(n for n, item in enumerate(items) if item.frame["type"] == "room_removed")
    items.insert(removed + 1, received({"type": "typing", "room": ROOM, "user": {"id": "olga"}}, 11))


def accept_of_a_removed_member(run: RoomRun) -> None:
    change_log(run, 11, user={"id": "ben", "name": "ben"})


def accept_of_a_reader(run: RoomRun) -> None:
    change_log(run, 13, user={"id": "ben", "name": "ben"})


def delete_as_a_member(run: RoomRun) -> None:
    change_log(run, 2, value="member")


def accept_of_a_muted_user(run: RoomRun) -> None:
    replace_call(run, "cid 13", sent_at=at(14.4), replied_at=at(14.6))


def refuse_without_a_mute(run: RoomRun) -> None:
    run.changes.clear()


def refuse_a_member(run: RoomRun) -> None:
    replace_call(run, "cid z", user="olga")


def refuse_ones_own_message(run: RoomRun) -> None:
    found = replace_call(run, "cid y")
    found.frame = {**found.frame, "seq": 4}


def call_a_message_missing(run: RoomRun) -> None:
    replace_call(run, "cid y", reply=error("not_found", "seq"))


def forget_a_membership(run: RoomRun) -> None:
    del run.logs[ROOM].members["ben"]


def tell_an_old_role(run: RoomRun) -> None:
    items = run.sockets[BEN].received
    number = next(n for n, item in enumerate(items) if item.raw == added("ben", "reader", 12).raw)
    items[number] = added("ben", "member", 12)


def set_a_marker_back(run: RoomRun) -> None:
    [*_, last] = [made for made in run.calls if made.frame["type"] == "read"]
    last.reply = read_ack(4)


def list_a_removed_member(run: RoomRun) -> None:
    next(made for made in run.calls if made.frame["type"] == "who").reply = present("olga", "ben")


def acknowledge_a_marker_after_room_removed(run: RoomRun) -> None:
    items = run.sockets[BEN].received
    removed = next(n for n, item in enumerate(items) if item.frame["type"] == "room_removed")
    items.insert(removed + 1, received(read_ack(9), 10))


def lose_a_mention(run: RoomRun) -> None:
    change_log(run, 5, mentions=["mia"])


def mention_a_removed_member(run: RoomRun) -> None:
    change_log(run, 11, mentions=["ben", "mia"])


@pytest.mark.parametrize(
    ("plant", "sentence"),
    [
        (lose_an_event, "12 is where 11 must be"),
        (start_an_epoch, "the epoch has changed"),
        (keep_a_deleted_text, "a text is there although deleted"),
        (edit_for_another, "edited by another user"),
        (edit_a_deleted_message, "edited of a deleted message"),
        (react_twice, "a reaction that changes nothing"),
        (store_a_cid_twice, "the cid is in the log before"),
        (forget_an_edit_in_history, "history has {"),
        (forget_a_row, "history has 9 rows"),
        (change_live_bytes, "the log has {"),
        (skip_a_live_event, "got 8, expected 7"),
        (receive_twice, "got 7, expected 8"),
        (receive_nothing_at_the_end, "got nothing from 13 on"),
        (start_a_replay_late, "got 11, expected 10"),
        (lose_an_acknowledged_edit, "was acknowledged as 6, where"),
        (acknowledge_elsewhere, "was acknowledged as 5, where"),
        (repeat_with_another_position, "was acknowledged at two positions"),
        (call_a_change_a_duplicate, "which it is not"),
        (store_a_refused_message, "was refused and is stored"),
        (swap_two_of_a_sender, "on the same socket"),
        (acknowledge_before_an_earlier_one, "after 6 was acknowledged"),
        (deliver_after_the_removal, "got 10, without being in the room"),
        (join_after_the_removal, "got 11, without being in the room"),
        (join_before_the_addition, "without being in the room"),
        (read_history_outside, "read room up to 12, without being in the room"),
        (send_after_room_removed, "after room_removed"),
        (accept_of_a_removed_member, "11: ben did send without the permission"),
        (accept_of_a_reader, "13: ben did send without the permission"),
        (delete_as_a_member, "9: mia did delete without the permission"),
        (accept_of_a_muted_user, "mia is muted"),
        (refuse_without_a_mute, "was refused with"),
        (refuse_a_member, "was refused with"),
        (refuse_ones_own_message, "was refused with"),
        (call_a_message_missing, "was refused with"),
        (forget_a_membership, "by the notices"),
        (tell_an_old_role, "was told of"),
        (set_a_marker_back, "the read marker went back from 5 to 4"),
        (list_a_removed_member, "ben is listed"),
        (acknowledge_a_marker_after_room_removed, "after room_removed"),
        (lose_a_mention, "5: ben is not mentioned"),
        (mention_a_removed_member, "11: ben is mentioned"),
    ],
)
def test_planted_fault_is_reported(plant: Callable[[RoomRun], None], sentence: str) -> None:
    run = correct()
    plant(run)
    found = violations(run)
    assert any(sentence in violation for violation in found), found


def test_a_repeated_cid_is_a_duplicate_whatever_has_changed_since() -> None:
    run = correct()
    first = {"type": "react", "cid": "cid v", "seq": 5, "emoji": "👍", "on": False}
    run.calls.append(call("ben", 7.9, ack(5, duplicate=True), **first))
    assert any("which it is not" in violation for violation in violations(run))
    run.calls.insert(0, call("ben", 5.5, None, **first))
    assert violations(run) == []


def test_a_role_may_be_used_before_its_notice_and_not_after_its_end() -> None:
    run = correct()
    change_log(run, 12, at=rfc3339(at(10.5)))
    change_log(run, 11, user={"id": "ben", "name": "ben"})  # ben was added as a reader only
    assert any("did send without the permission" in violation for violation in violations(run))
    change_log(run, 12, value="member")
    assert not any("without the permission" in violation for violation in violations(run))
