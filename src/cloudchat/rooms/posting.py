"""Whether a member may write in a room now: role, archive, mute and slow mode. Pure functions; time is an argument."""

from cloudchat.protocol.errors import ErrorCode, ServiceError
from cloudchat.rooms.permissions import Command, Role, acting_role, may, outranks
from cloudchat.rooms.summaries.summary import FOREVER, RoomSummary


class WriteRefused(ServiceError):
    """The message or the change is not accepted now. HTTP raises it, a socket answers with its fields."""

    def __init__(self, code: ErrorCode, message: str, retry_after_ms: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after_ms = retry_after_ms


def may_write(room: RoomSummary, command: Command, server_role: str, now: float) -> WriteRefused | None:
    """Return why a member of `room` may not do this at `now` (seconds since 1970), or None.

    Args:
        command: What the member writes: `POST`, `EDIT`, `DELETE` or `REACT`.
        server_role: See `permissions.server_role_of`.
    """
    if room.archived:
        return WriteRefused(ErrorCode.FORBIDDEN, "this room is archived and read-only")
    if not may(command, room.kind, room.role, server_role):
        return WriteRefused(ErrorCode.FORBIDDEN, "your role in this room does not allow you to write messages")
    if room.muted_until is not None and room.muted_until > now:
        if room.muted_until == FOREVER:
            return WriteRefused(ErrorCode.MUTED, "a moderator has muted you in this room")
        message = "a moderator has muted you in this room for a time"
        return WriteRefused(ErrorCode.MUTED, message, max(1, int((room.muted_until - now) * 1000)))
    return None


def slow_mode_ms(room: RoomSummary, server_role: str) -> int:
    """Return the milliseconds that must pass between two messages of a member; 0 for moderators and owners.

    The store keeps the time of the last message: a member may have sockets in several processes.
    """
    is_slowed = not outranks(acting_role(room.kind, room.role, server_role), Role.MEMBER)
    return room.slow_mode_seconds * 1000 if is_slowed else 0
