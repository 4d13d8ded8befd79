"""Whether a member may post in a room now: role, archive, mute and slow mode. Pure functions; time is an argument."""

from cloudchat.protocol.errors import ErrorCode, ServiceError
from cloudchat.rooms.permissions import Command, Role, acting_role, may, outranks
from cloudchat.rooms.summary import FOREVER, RoomSummary


class PostRefused(ServiceError):
    """The message is not accepted now. HTTP raises it, a socket answers with its fields."""

    def __init__(self, code: ErrorCode, message: str, retry_after_ms: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after_ms = retry_after_ms


def may_post(room: RoomSummary, server_role: str, now: float, *, post_allowed_at: float = 0.0) -> PostRefused | None:
    """Return why a member of `room` may not post at `now` (seconds since 1970), or None.

    Args:
        server_role: See `permissions.server_role_of`.
        post_allowed_at: When the slow mode of the room allows the next message of this user (`next_post_at`).
    """
    if room.archived:
        return PostRefused(ErrorCode.FORBIDDEN, "this room is archived and read-only")
    if not may(Command.POST, room.kind, room.role, server_role):
        return PostRefused(ErrorCode.FORBIDDEN, "your role in this room does not allow you to send messages")
    if room.muted_until is not None and room.muted_until > now:
        if room.muted_until == FOREVER:
            return PostRefused(ErrorCode.MUTED, "a moderator has muted you in this room")
        message = "a moderator has muted you in this room for a time"
        return PostRefused(ErrorCode.MUTED, message, _milliseconds(room.muted_until - now))
    if room.slow_mode_seconds and post_allowed_at > now and _is_slowed(room, server_role):
        message = f"this room allows one message in {room.slow_mode_seconds} seconds"
        return PostRefused(ErrorCode.RATE_LIMITED, message, _milliseconds(post_allowed_at - now))
    return None


def next_post_at(room: RoomSummary, now: float) -> float:
    """Return when the slow mode allows the next message of a user who posts at `now`."""
    return now + room.slow_mode_seconds


def _is_slowed(room: RoomSummary, server_role: str) -> bool:
    return not outranks(acting_role(room.kind, room.role, server_role), Role.MEMBER)


def _milliseconds(seconds: float) -> int:
    return max(1, int(seconds * 1000))
