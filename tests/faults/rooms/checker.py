"""Check that everything observed in rooms fits one log for each room. Each rule yields a sentence per violation.

These rules are about the logs: what they contain, what was acknowledged, what was received. Who was in a room and what
was permitted is checked in `membership`.
"""

from collections.abc import Iterator

import msgspec

from cloudchat.core.message_fold import MessageFold
from faults.rooms import membership, reads_and_mentions
from faults.rooms.observations import LOGGED, Call, Frame, RoomLog, RoomRun, Segment

_EVENT_OF = {"send": "message", "edit": "edited", "delete": "deleted", "react": "reaction"}


def violations(run: RoomRun) -> list[str]:
    """Return every violation."""
    rules = [
        _logs_are_whole(run),
        _logs_are_legal(run),
        _history_is_the_fold_of_the_log(run),
        _received_events_are_those_of_the_log(run),
        _segments_are_complete(run),
        _views_fold_to_the_same_messages(run),
        _acknowledged_commands_are_in_the_log(run),
        _commands_without_an_effect_had_none(run),
        _refused_commands_are_not_in_the_log(run),
        _the_log_has_the_order_of_each_sender(run),
        _the_log_has_the_order_of_time(run),
        *membership.rules(run),
        *reads_and_mentions.rules(run),
    ]
    return [violation for rule in rules for violation in rule]


def _logs_are_whole(run: RoomRun) -> Iterator[str]:
    """Nothing was lost in any run: one epoch, and every seq from 1 on."""
    for room, log in run.logs.items():
        if len({event["epoch"] for event in log.events}) > 1:
            yield f"{room}: the epoch has changed"
        for seq, event in enumerate(log.events, start=1):
            if event["seq"] != seq:
                yield f"{room}: {event['seq']} is where {seq} must be"
                return


def _logs_are_legal(run: RoomRun) -> Iterator[str]:
    """Each event could follow on those before it, each cid is there once, and deleted texts are gone."""
    for room, log in run.logs.items():
        cids: set[str] = set()
        deleted: set[int] = set()
        reactions: set[tuple[int, str, str]] = set()
        for event in log.events:
            where = f"{room} {event['seq']}"
            if event["type"] == "message":
                if event["cid"] in cids:
                    yield f"{where}: the cid is in the log before"
                cids.add(event["cid"])
            if event["type"] not in ("edited", "deleted", "reaction"):
                continue
            target = log.event(event["target"])
            if target is None or target["type"] != "message" or target["seq"] >= event["seq"]:
                yield f"{where}: {event['type']} of {event['target']}, which is no earlier message"
                continue
            if target["seq"] in deleted:
                yield f"{where}: {event['type']} of a deleted message"
            if event["type"] == "edited" and event["user"]["id"] != target["user"]["id"]:
                yield f"{where}: a message was edited by another user"
            if event["type"] == "deleted":
                deleted.add(target["seq"])
            if event["type"] == "reaction":
                reaction = target["seq"], event["user"]["id"], event["emoji"]
                if event["on"] == (reaction in reactions):
                    yield f"{where}: a reaction that changes nothing"
                (reactions.add if event["on"] else reactions.discard)(reaction)
        for event in log.events:
            if "text" in event and (event["text"] == "") != (event.get("target", event["seq"]) in deleted):
                yield f"{room} {event['seq']}: a text is there although deleted, or gone although not"


def _history_is_the_fold_of_the_log(run: RoomRun) -> Iterator[str]:
    for room, log in run.logs.items():
        for expected, row in zip(MessageFold(log.events).rows(), log.rows, strict=False):
            if expected != row:
                yield f"{room} {expected['seq']}: history has {row}, the log {expected}"
        if len(log.rows) != len(MessageFold(log.events).rows()):
            yield f"{room}: history has {len(log.rows)} rows"


def _received_events_are_those_of_the_log(run: RoomRun) -> Iterator[str]:
    """Live and replayed events have the bytes of the log, except for texts that were deleted since."""
    for number, record in enumerate(run.sockets):
        for item in record.received:
            frame = item.frame
            log = run.logs.get(frame.get("room", "")) if frame["type"] in LOGGED else None
            if log is None:
                continue
            logged = log.event(frame["seq"])
            if logged is None:
                yield f"socket {number} of {record.user} got {item.raw}, which is not in the log"
            elif item.raw != log.raw[frame["seq"] - 1] and {**frame, "text": ""} != logged:
                yield f"socket {number} of {record.user} got {item.raw}, the log has {log.raw[frame['seq'] - 1]}"


def _segments_are_complete(run: RoomRun) -> Iterator[str]:
    """A replay begins where it must, live events follow it without a hole, and who stays gets everything."""
    for segment in run.segments:
        expected = _first_seq(segment)
        if segment.joined["status"] != ("fresh" if segment.after is None else "recovered"):
            yield f"{_name(segment)}: {segment.joined['status']} after {segment.after}"
        for item in segment.events:
            if item.frame["seq"] != expected:
                yield f"{_name(segment)}: got {item.frame['seq']}, expected {expected}"
                break
            expected += 1
        else:
            if segment.is_last and expected <= len(run.logs[segment.room].raw):
                yield f"{_name(segment)}: got nothing from {expected} on"


def _views_fold_to_the_same_messages(run: RoomRun) -> Iterator[str]:
    """Who was in the room to its end has the messages in their current form."""
    for segment in run.segments:
        log = run.logs[segment.room]
        if segment.is_last and segment.events and segment.events[-1].frame["seq"] == len(log.events):
            seen = MessageFold(item.frame for item in segment.events).rows()
            expected = MessageFold(log.events[segment.events[0].frame["seq"] - 1 :]).rows()
            for row, right in zip(seen, expected, strict=False):
                if row != right:
                    yield f"{_name(segment)}: sees {row}, expected {right}"


def _acknowledged_commands_are_in_the_log(run: RoomRun) -> Iterator[str]:
    positions: dict[tuple[str, str, str], int] = {}
    for call in run.calls:
        if call.reply is None or call.reply["type"] != "ack" or "cid" not in call.frame:
            continue
        seq = call.reply["seq"]
        if positions.setdefault((call.user, call.room, call.frame["cid"]), seq) != seq:
            yield f"{_describe(call)} was acknowledged at two positions"
        if call.is_stored and not _is_event_of(run.logs[call.room].event(seq), call):
            yield f"{_describe(call)} was acknowledged as {seq}, where {run.logs[call.room].event(seq)} is"


def _commands_without_an_effect_had_none(run: RoomRun) -> Iterator[str]:
    """A `duplicate` is the event of the same command, or the message was as the command wants it.

    Then it was so at some time since the command was sent first: the cid is remembered, whatever has changed since.
    """
    first_sent: dict[tuple[str, str, str], Call] = {}
    for call in run.calls:
        if "cid" in call.frame:
            first_sent.setdefault((call.user, call.room, call.frame["cid"]), call)
    for call in run.calls:
        if not call.is_duplicate:
            continue
        assert call.reply is not None
        log, seq = run.logs[call.room], call.reply["seq"]
        since = _seq_before(run, first_sent[call.user, call.room, call.frame["cid"]])
        was_so = seq == call.frame.get("seq") and _was_so(log, call, since)
        if not was_so and not _is_event_of(log.event(seq), call):
            yield f"{_describe(call)} was a duplicate of {seq}, which it is not"


def _was_so(log: RoomLog, call: Call, since: int) -> bool:
    """Return whether the message was as the command wants it, at some time from the seq `since` on."""
    if call.frame["type"] == "delete":
        return any(event["type"] == "deleted" and event["target"] == call.frame["seq"] for event in log.events)
    is_on = False
    for event in log.events:
        if event["seq"] > since and is_on == call.frame["on"]:
            return True
        if (event["type"], event.get("target")) == ("reaction", call.frame["seq"]) and (
            event["user"]["id"] == call.user and event["emoji"] == call.frame["emoji"]
        ):
            is_on = event["on"]
    return bool(is_on == call.frame["on"])


def _seq_before(run: RoomRun, call: Call) -> int:
    """Return the highest seq that was acknowledged in the room before the command was sent."""
    return max(
        (
            other.reply["seq"]
            for other in run.calls
            if other.reply is not None and other.is_stored and other.room == call.room
            if other.replied_at < call.sent_at
        ),
        default=0,
    )


def _refused_commands_are_not_in_the_log(run: RoomRun) -> Iterator[str]:
    stored = {
        (room, event.get("cid"), event["text"])
        for room, log in run.logs.items()
        for event in log.events
        if event["type"] in ("message", "edited")
    }
    accepted = {call.frame.get("cid") for call in run.calls if call.error is None}  # the same cid was sent again
    for call in run.calls:
        cid = call.frame.get("cid") if call.frame["type"] == "send" else None
        if call.error and call.frame.get("cid") not in accepted and (call.room, cid, call.frame.get("text")) in stored:
            yield f"{_describe(call)} was refused and is stored"


def _the_log_has_the_order_of_each_sender(run: RoomRun) -> Iterator[str]:
    last: dict[tuple[int, str], Call] = {}
    for call in run.calls:
        if call.is_stored:
            assert call.reply is not None
            before = last.get((call.socket, call.room))
            if before is not None and before.reply is not None and before.reply["seq"] > call.reply["seq"]:
                yield f"{_describe(call)} was sent after {_describe(before)} on the same socket, and is before it"
            last[call.socket, call.room] = call


def _the_log_has_the_order_of_time(run: RoomRun) -> Iterator[str]:
    """A command that was sent after another one was acknowledged has a higher seq."""
    for room in run.logs:
        stored = [call for call in run.calls if call.is_stored and call.room == room]
        moments = sorted(
            [(call.sent_at, 1, call) for call in stored] + [(call.replied_at, 0, call) for call in stored],
            key=lambda moment: moment[:2],
        )
        highest = 0
        for _, is_send, call in moments:
            assert call.reply is not None
            if not is_send:
                highest = max(highest, call.reply["seq"])
            elif call.reply["seq"] <= highest:
                yield f"{_describe(call)} got {call.reply['seq']}, after {highest} was acknowledged"


def _first_seq(segment: Segment) -> int:
    if segment.joined["status"] == "recovered" and segment.after is not None:
        return segment.after + 1
    return int(max(segment.joined["oldest"], segment.joined["seq"] - segment.limit + 1))


def _is_event_of(event: Frame | None, call: Call) -> bool:
    """Return whether the event is the one that this command appends. Its text may be deleted."""
    frame = call.frame
    if event is None or event["type"] != _EVENT_OF[frame["type"]] or event["user"]["id"] != call.user:
        return False
    if event["type"] == "message":
        return bool(event["cid"] == frame["cid"] and event["text"] in (frame["text"], ""))
    if event["target"] != frame["seq"]:
        return False
    if event["type"] == "edited":
        return event["text"] in (frame["text"], "")
    return event["type"] == "deleted" or (event["emoji"], event["on"]) == (frame["emoji"], frame["on"])


def _name(segment: Segment) -> str:
    return f"socket {segment.socket} of {segment.user} in {segment.room}"


def _describe(call: Call) -> str:
    return f"{call.user}: {msgspec.json.encode(call.frame).decode()}"
