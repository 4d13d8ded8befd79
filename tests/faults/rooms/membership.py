"""Check who was in a room when, what they received of it, and what they were permitted to do.

The notices in a room's log say who was a member with which role, from which seq to which. A role takes effect in SQL
shortly before its notice is in the log, so a user may act with a new role a moment before the notice, but never with
an old one after it. Mutes have no notice: they are known from the requests and their responses.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cloudchat.rooms.permissions import Command, may
from faults.rooms.observations import Call, Change, Frame, RoomLog, RoomRun, Segment, instant

VISIBLE_SECONDS = 5.0
"""Within what time every process knows a change: 2 seconds are promised, the rest is for a machine under load."""
_COMMANDS = {
    "send": Command.POST,
    "typing": Command.POST,
    "edit": Command.EDIT,
    "delete": Command.DELETE,
    "react": Command.REACT,
}
_COMMAND_OF_EVENT = {"message": "send", "edited": "edit", "deleted": "delete", "reaction": "react"}
MEMBER = "member"
"""The role on the server of all users of a run."""


@dataclass(frozen=True)
class Tenure:
    """The time with one role, None without membership. `at` is before its commit, `end` is the next notice."""

    role: str | None
    seq: float
    at: float
    end: float = math.inf
    end_at: float = math.inf


def tenures(log: RoomLog, user: str) -> list[Tenure]:
    """Return the roles of a user in the order of the log."""
    found = [Tenure(None, 0, 0.0)]
    for event in log.events:
        if event["type"] != "notice" or event["target" if "target" in event else "user"]["id"] != user:
            continue
        match event["kind"]:
            case "created":
                role: str | None = "owner"
            case "joined":
                role = "member"
            case "added" | "role":
                role = event["value"]
            case "left" | "removed":
                role = None
            case _:
                continue
        last = found.pop()
        found.append(Tenure(last.role, last.seq, last.at, event["seq"], instant(event)))
        found.append(Tenure(role, event["seq"], instant(event)))
    return found


def members_by_notices(log: RoomLog) -> dict[str, str]:
    """Return the roles of the members after the last notice."""
    users = {
        event["target" if "target" in event else "user"]["id"] for event in log.events if event["type"] == "notice"
    }
    return {user: role for user in users if (role := tenures(log, user)[-1].role) is not None}


def rules(run: RoomRun) -> Iterable[Iterator[str]]:
    """Return the violations of each rule."""
    return [
        _nothing_is_received_outside_of_a_membership(run),
        _nothing_follows_room_removed(run),
        _authors_had_the_permission(run),
        _muted_users_write_nothing(run),
        _refusals_have_a_reason(run),
        _everybody_learns_the_final_state(run),
    ]


def _nothing_is_received_outside_of_a_membership(run: RoomRun) -> Iterator[str]:
    for segment in run.segments:
        if not _is_in_one_membership(run.logs[segment.room], segment.user, segment.last_seq, segment.joined_at):
            yield f"{_who(segment)} got {segment.last_seq}, without being in the room"
    for call in run.calls:
        as_of = call.reply.get("as_of") if call.reply is not None else None
        if as_of is not None and not _is_in_one_membership(run.logs[call.room], call.user, as_of, call.replied_at):
            yield f"{call.user} read {call.room} up to {as_of}, without being in the room"


def _is_in_one_membership(log: RoomLog, user: str, seq: int, at: float) -> bool:
    """Return whether the user was in the room, without interruption, from before `at` until after the event `seq`."""
    began = False
    for tenure in tenures(log, user):
        began = tenure.role is not None and (began or tenure.at <= at)
        if began and seq < tenure.end:
            return True
    return False


def _nothing_follows_room_removed(run: RoomRun) -> Iterator[str]:
    for number, record in enumerate(run.sockets):
        removed: set[str] = set()
        for item in record.received:
            frame = item.frame
            room = frame.get("room")
            if frame["type"] == "room_removed":
                removed.add(frame["room"])
            elif frame["type"] == "room_added":
                removed.discard(frame["room"]["id"])
            elif (room["id"] if isinstance(room, dict) else room) in removed and not _is_late_reply(frame):
                yield f"socket {number} of {record.user} got {item.raw} after room_removed"


def _is_late_reply(frame: Frame) -> bool:
    """Return whether a frame acknowledges what the user did while still in the room."""
    return frame["type"] == "left" or (frame["type"] == "ack" and "cid" in frame)


def _authors_had_the_permission(run: RoomRun) -> Iterator[str]:
    acknowledged_at = run.acknowledged_at()
    for room, log in run.logs.items():
        for event in log.events:
            if event["type"] == "notice":
                continue
            command, user, seq = _COMMAND_OF_EVENT[event["type"]], event["user"]["id"], event["seq"]
            known_at = acknowledged_at.get((room, seq), math.inf)
            of_other = event["type"] == "deleted" and _author(log, event["target"]) != user
            if not any(
                _permits(log, tenure, command, of_other=of_other)
                and seq < tenure.end
                and (tenure.seq < seq or tenure.at <= known_at)
                for tenure in tenures(log, user)
            ):
                yield f"{room} {seq}: {user} did {command} without the permission"


def _permits(log: RoomLog, tenure: Tenure, command: str, *, of_other: bool) -> bool:
    permission = Command.DELETE_OTHERS if of_other else _COMMANDS[command]
    return may(permission, log.kind, tenure.role, MEMBER)


def _muted_users_write_nothing(run: RoomRun) -> Iterator[str]:
    """From the response to a mute on, until the next request to end it, everything is refused."""
    for mute in run.changes:
        if mute.action != "mute" or mute.status is None or mute.status >= 300:
            continue
        ends = [
            change.sent_at
            for change in _changes_of(run, mute.room, mute.target, "unmute")
            if change.answered_at > mute.sent_at
        ]
        start = mute.answered_at
        if run.had_outage(mute.sent_at, mute.answered_at):  # it could not be announced
            start += VISIBLE_SECONDS
        for call in run.calls:
            is_muted = start < call.sent_at and call.replied_at < min(ends, default=math.inf)
            if is_muted and call.is_stored and (call.user, call.room) == (mute.target, mute.room):
                yield f"{call.user} is muted, and {call.frame} was accepted"


def _refusals_have_a_reason(run: RoomRun) -> Iterator[str]:
    for call in run.calls:
        if call.error is None or run.had_outage(call.sent_at - VISIBLE_SECONDS, call.replied_at):
            continue
        if not _has_reason(run, run.logs[call.room], call):
            yield f"{call.user} in {call.room}: {call.frame} was refused with {call.reply}"


def _has_reason(run: RoomRun, log: RoomLog, call: Call) -> bool:
    assert call.reply is not None
    held = [
        tenure
        for tenure in tenures(log, call.user)
        if tenure.at <= call.replied_at and call.sent_at <= tenure.end_at + VISIBLE_SECONDS
    ]
    command, field = call.frame["type"], call.reply.get("field")
    target = log.event(call.frame.get("seq", 0))
    match call.error, field:
        case "not_found", "room":
            return any(tenure.role is None for tenure in held)
        case "not_found", "seq":
            return target is None or target["type"] != "message" or target["text"] == ""
        case "forbidden", "room":
            return any(not may(_COMMANDS[command], log.kind, tenure.role, MEMBER) for tenure in held)
        case "forbidden", "seq":
            of_other = _author(log, call.frame["seq"]) != call.user
            return of_other and any(
                command == "edit" or not _permits(log, tenure, command, of_other=True) for tenure in held
            )
        case "muted", _:
            return _may_be_muted(run, call)
    return False


def _may_be_muted(run: RoomRun, call: Call) -> bool:
    for mute in _changes_of(run, call.room, call.user, "mute"):
        ended = [
            change.answered_at
            for change in _changes_of(run, call.room, call.user, "unmute")
            if change.status is not None and change.status < 300 and change.sent_at > mute.answered_at
        ]
        if mute.sent_at <= call.replied_at and call.sent_at <= min(ended, default=math.inf) + VISIBLE_SECONDS:
            return True
    return False


def _everybody_learns_the_final_state(run: RoomRun) -> Iterator[str]:
    """At the end SQL, the notices and what each open socket was told agree about members and roles."""
    for room, log in run.logs.items():
        by_notices = members_by_notices(log)
        if by_notices != log.members:
            yield f"{room}: the members are {log.members}, by the notices {by_notices}"
    for number, record in enumerate(run.sockets):
        if not record.ended:
            told = {room: role for room, role in record.rooms.items() if room in run.logs}
            right = {room: log.members[record.user] for room, log in run.logs.items() if record.user in log.members}
            if told != right:
                yield f"socket {number} of {record.user} was told of {told}, and the rooms are {right}"


def _changes_of(run: RoomRun, room: str, target: str, action: str) -> list[Change]:
    return [
        change
        for change in run.changes
        if (change.room, change.target, change.action) == (room, target, action) and change.may_have_happened
    ]


def _author(log: RoomLog, seq: int) -> str | None:
    target: Frame | None = log.event(seq)
    return target["user"]["id"] if target is not None and "user" in target else None


def _who(segment: Segment) -> str:
    return f"socket {segment.socket} of {segment.user} in {segment.room}"
