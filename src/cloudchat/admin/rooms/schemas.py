"""The JSON bodies of `/api/admin/rooms`. Times are RFC 3339."""

from pydantic import Field

from cloudchat.http.models import Instant, ResponseModel
from cloudchat.rooms.repository import ListedRoom


class ListedRoomResponse(ResponseModel):
    """A public or private room as administrators see it."""

    id: str = Field(examples=["lobby"])
    kind: str = Field(description="`public` or `private`.", examples=["private"])
    name: str = Field(examples=["back office"])
    members: int = Field(description="How many users are members.", examples=[42])
    archived: bool = Field(examples=[False])
    slow_mode_seconds: int = Field(examples=[0])
    retention_days: int = Field(
        description="After how many days messages are deleted; 0: no limit of its own.", examples=[0]
    )
    created_at: Instant

    @classmethod
    def from_room(cls, room: ListedRoom) -> "ListedRoomResponse":
        """Return the response for a room."""
        return cls(
            id=room.id,
            kind=room.kind,
            name=room.name,
            members=room.member_count,
            archived=room.archived_at is not None,
            slow_mode_seconds=room.slow_mode_seconds,
            retention_days=room.retention_days,
            created_at=room.created_at,
        )


class ListedRoomsResponse(ResponseModel):
    """A page of rooms, the oldest first."""

    rooms: list[ListedRoomResponse]
    next: str | None = Field(description="`cursor` of the next page; null on the last page.", examples=[None])
