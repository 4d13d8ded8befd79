"""Check read markers, the replies to `who`, and whom messages mention.

Whether a user was in a room at an event is known with the tolerance of `membership`: a change takes effect in SQL
shortly before its notice is in the log.
"""

import math
from collections.abc import Iterable, Iterator

from faults.rooms.membership import VISIBLE_SECONDS, tenures
from faults.rooms.observations import Frame, RoomLog, RoomRun


def rules(run: RoomRun) -> Iterable[Iterator[str]]:
    """Return the violations of each rule."""
    return [_read_markers_never_go_back(run), _only_members_are_listed(run), _members_are_mentioned(run)]


def _read_markers_never_go_back(run: RoomRun) -> Iterator[str]:
    """Not after a kill, either: a marker that was acknowledged is saved."""
    saved: dict[tuple[str, str], list[tuple[float, int]]] = {}
    for call in run.calls:
        if call.frame["type"] != "read" or call.reply is None or call.reply["type"] != "ack":
            continue
        markers = saved.setdefault((call.user, call.room), [])
        before = max((seq for replied_at, seq in markers if replied_at < call.sent_at), default=0)
        if call.reply["seq"] < before:
            yield f"{call.user} in {call.room}: the read marker went back from {before} to {call.reply['seq']}"
        markers.append((call.replied_at, call.reply["seq"]))


def _only_members_are_listed(run: RoomRun) -> Iterator[str]:
    for call in run.calls:
        if call.reply is None or call.reply["type"] != "present":
            continue
        for user in call.reply["users"]:
            if not any(
                tenure.role is not None
                and tenure.at <= call.replied_at
                and call.sent_at <= tenure.end_at + VISIBLE_SECONDS
                for tenure in tenures(run.logs[call.room], user["id"])
            ):
                yield f"{user['id']} is listed in {call.room} without being in the room"


def _members_are_mentioned(run: RoomRun) -> Iterator[str]:
    """A message mentions the named users who are members when it is appended, and no others."""
    acknowledged_at = run.acknowledged_at()
    for room, log in run.logs.items():
        for event in log.events:
            for user, name in run.names.items():
                if f"@{name}" not in event.get("text", ""):
                    continue
                is_mentioned = user in event.get("mentions", [])
                if is_mentioned not in _possible(log, event, user, acknowledged_at.get((room, event["seq"]), math.inf)):
                    yield f"{room} {event['seq']}: {user} is {'' if is_mentioned else 'not '}mentioned"


def _possible(log: RoomLog, event: Frame, user: str, known_at: float) -> set[bool]:
    """Return whether the user was in the room when the event was appended: both, if a change was on its way."""
    return {
        tenure.role is not None
        for tenure in tenures(log, user)
        if event["seq"] < tenure.end and (tenure.seq < event["seq"] or tenure.at <= known_at)
    }
