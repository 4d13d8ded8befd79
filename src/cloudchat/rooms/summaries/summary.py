"""A room as one user sees it: what a socket holds for each of its user's rooms, and what the API answers."""

import math

from msgspec import Struct
from msgspec.structs import replace

FOREVER = math.inf
"""The end of a mute or a ban that only a moderator ends."""


class RoomUser(Struct, frozen=True):
    """A user, as others see them."""

    id: str
    name: str


class RoomFacts(Struct, frozen=True):
    """The part of a room that is the same for all its members. `version` names the state of the room."""

    id: str
    kind: str
    name: str
    topic: str
    archived: bool
    slow_mode_seconds: int
    retention_days: int
    version: int
    member_count: int


class RoomSummary(Struct, frozen=True):
    """A room and one user's membership in it.

    Attributes:
        read_seq: The seq of the last event that the user has read (0: none).
        role: The user's role; None if the user is not a member (of a public room).
        muted: The user's own switch: no notifications.
        retention_days: After how many days the room's messages are deleted; 0: no limit of its own.
        muted_until: When a moderator's mute ends, in seconds since 1970; None without a mute. It ends by itself: the
            version does not change then.
        users: The other people, of a direct room only.
    """

    id: str
    name: str
    kind: str
    read_seq: int = 0
    topic: str = ""
    role: str | None = "member"
    archived: bool = False
    muted: bool = False
    slow_mode_seconds: int = 0
    retention_days: int = 0
    version: int = 1
    member_count: int = 0
    muted_until: float | None = None
    users: tuple[RoomUser, ...] = ()

    def with_facts(self, facts: RoomFacts) -> "RoomSummary":
        """Return the same membership after a change that concerned all members of the room."""
        return replace(
            self,
            name=facts.name,
            topic=facts.topic,
            archived=facts.archived,
            slow_mode_seconds=facts.slow_mode_seconds,
            retention_days=facts.retention_days,
            version=facts.version,
            member_count=facts.member_count,
        )
