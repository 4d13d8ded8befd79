"""A room of a user, as events have it."""

import msgspec

from cloudchat.core.stream_position import StreamPosition
from cloudchat.core.timestamps import rfc3339
from cloudchat.protocol import events
from cloudchat.rooms.permissions import Kind
from cloudchat.rooms.summaries.summary import FOREVER, RoomSummary


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
        muted_until=end_of(room.muted_until),
        users=others if room.kind == Kind.DIRECT else msgspec.UNSET,
    )


def end_of(until: float | None) -> str | msgspec.UnsetType | None:
    """Return the end of a mute or a ban as events have it; None means that there is none."""
    if until is None:
        return msgspec.UNSET
    return None if until == FOREVER else rfc3339(until)
