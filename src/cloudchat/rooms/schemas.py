"""The response bodies of `/api/rooms`."""

from pydantic import BaseModel, Field

from cloudchat.rooms.service import RoomSummary


class RoomResponse(BaseModel):
    """A room that the user is in."""

    id: str = Field(examples=["lobby"])
    name: str = Field(examples=["lobby"])
    kind: str = Field(examples=["public"])
    read: int = Field(description="The last seq that the user has read; 0 for nothing.", examples=[0])

    @classmethod
    def from_summary(cls, room: RoomSummary) -> "RoomResponse":
        """Return the response for a room."""
        return cls(id=room.id, name=room.name, kind=room.kind, read=room.read_seq)


class RoomListResponse(BaseModel):
    """The rooms that the user is in, the oldest first."""

    rooms: list[RoomResponse]
