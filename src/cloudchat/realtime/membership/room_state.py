"""A room of a user, as events have it."""

import msgspec

from cloudchat.core.stream_position import StreamPosition
from cloudchat.core.timestamps import rfc3339
from cloudchat.protocol import events
from cloudchat.rooms.permissions import Kind
from cloudchat.rooms.summary import FOREVER, RoomSummary


def room_state(room: RoomSummary, head: StreamPosition) -> events.RoomState:
    """Return one of the user's rooms as events have it."""
    others = [events.User(id=user.id, name=user.name) for user in room.users]
    return events.RoomState(
        id=room.id,
        kind=room.kind,
        name=room.name,
        topic=room.topic,
        role=room.role or "",
        archived=room.archived,
        muted=room.muted,
        slow_mode_seconds=room.slow_mode_seconds,
        epoch=head.epoch,
        seq=head.seq,
        read=room.read_seq,
        muted_until=msgspec.UNSET if room.muted_until is None else _time(room.muted_until),
        users=others if room.kind == Kind.DIRECT else msgspec.UNSET,
    )


def _time(until: float) -> str | None:
    return None if until == FOREVER else rfc3339(until)
