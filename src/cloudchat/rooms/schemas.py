"""The JSON bodies of `/api/rooms`."""

from typing import Annotated, Literal

from pydantic import Field
from pydantic.config import JsonDict

from cloudchat.http.models import AS_INTEGER, EntryId, RequestModel, ResponseModel
from cloudchat.rooms.names import MAX_NAME_CHARACTERS, MAX_TOPIC_CHARACTERS
from cloudchat.rooms.permissions import Kind
from cloudchat.rooms.repository import PublicRoom
from cloudchat.rooms.service import MAX_FIRST_MEMBERS
from cloudchat.rooms.summaries.summary import RoomSummary
from cloudchat.rooms.updates import MAX_RETENTION_DAYS, MAX_SLOW_MODE_SECONDS

_MAX_TYPED_CHARACTERS = 1024  # the rules for texts have better messages than a schema
_NAME: JsonDict = {"maxLength": MAX_NAME_CHARACTERS}
_TOPIC: JsonDict = {"maxLength": MAX_TOPIC_CHARACTERS}
RoomKind = Literal["public", "private", "direct"]


class RoomRequest(RequestModel):
    """A new room."""

    kind: RoomKind = Field(
        description="`public`: every user can find and join it. `private`: by invitation of its owners. `direct`: the "
        "caller and 1 to 7 others; the same people always get the same room.",
        examples=["private"],
    )
    name: str | None = Field(
        None,
        description="Of a public or private room. Names of public rooms are unique, without regard to case.",
        examples=["back office"],
        max_length=_MAX_TYPED_CHARACTERS,
        json_schema_extra=_NAME,
    )
    topic: str | None = Field(
        None, examples=["rents and repairs"], max_length=_MAX_TYPED_CHARACTERS, json_schema_extra=_TOPIC
    )
    users: list[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]] = Field(
        default=[],
        description="The ids of the other people of a direct room, or of the first members of another one.",
        examples=[["q_axJiJBBhCsk1eqY2Fzxg"]],
        max_length=MAX_FIRST_MEMBERS,
    )


class RoomChangeRequest(RequestModel):
    """The changes of a room. Fields that are absent or null do not change. All are made, or none."""

    name: str | None = Field(None, examples=["front office"], max_length=_MAX_TYPED_CHARACTERS, json_schema_extra=_NAME)
    topic: str | None = Field(None, examples=["visitors"], max_length=_MAX_TYPED_CHARACTERS, json_schema_extra=_TOPIC)
    archived: bool | None = Field(None, description="An archived room is read-only.", examples=[False])
    slow_mode_seconds: Annotated[int, Field(ge=0, le=MAX_SLOW_MODE_SECONDS), AS_INTEGER] | None = Field(
        None, description="The time between two messages of one member; 0 for none.", examples=[30]
    )
    retention_days: Annotated[int, Field(ge=0, le=MAX_RETENTION_DAYS), AS_INTEGER] | None = Field(
        None,
        description="Messages that are older are deleted. 0: as long as the installation keeps them, whose own limit "
        "holds in any case.",
        examples=[90],
    )
    muted: bool | None = Field(None, description="The caller's own switch for notifications.", examples=[True])


class RoomUserResponse(ResponseModel):
    """Another user."""

    id: EntryId
    name: str = Field(examples=["bob"])


class RoomResponse(ResponseModel):
    """A room as the caller sees it."""

    id: str = Field(examples=["lobby"])
    kind: str = Field(description="`public`, `private` or `direct`.", examples=["public"])
    name: str = Field(description="Empty for direct rooms.", examples=["lobby"])
    topic: str = Field(examples=["everything"])
    role: str | None = Field(
        description="`owner`, `moderator`, `member` or `reader`; null if the caller is not a member.",
        examples=["member"],
    )
    archived: bool = Field(examples=[False])
    muted: bool = Field(description="The caller's own switch for notifications.", examples=[False])
    slow_mode_seconds: int = Field(examples=[0])
    retention_days: int = Field(
        description="After how many days messages are deleted; 0: no limit of its own.", examples=[0]
    )
    read: int = Field(description="The last seq that the caller has read; 0 for nothing.", examples=[0])
    users: list[RoomUserResponse] | None = Field(
        None,
        description="Only for direct rooms: the other people.",
        exclude_if=lambda users: users is None,
    )
    read_by: dict[str, int] | None = Field(
        None,
        description="Only for one direct room: the last seq that each of the other people has read, by user id.",
        examples=[{"q_axJiJBBhCsk1eqY2Fzxg": 12}],
        exclude_if=lambda read_by: read_by is None,
    )

    @classmethod
    def from_summary(cls, room: RoomSummary, read_by: dict[str, int] | None = None) -> "RoomResponse":
        """Return the response for a room."""
        others = [RoomUserResponse.of(user) for user in room.users] if room.kind == Kind.DIRECT else None
        return cls(
            id=room.id,
            kind=room.kind,
            name=room.name,
            topic=room.topic,
            role=room.role,
            archived=room.archived,
            muted=room.muted,
            slow_mode_seconds=room.slow_mode_seconds,
            retention_days=room.retention_days,
            read=room.read_seq,
            users=others,
            read_by=read_by,
        )


class RoomListResponse(ResponseModel):
    """A page of the rooms that the caller is in, the oldest first."""

    rooms: list[RoomResponse]
    next: str | None = Field(description="`cursor` of the next page; null on the last page.", examples=[None])


class PublicRoomResponse(ResponseModel):
    """A public room that the caller can join."""

    id: str = Field(examples=["lobby"])
    name: str = Field(examples=["lobby"])
    topic: str = Field(examples=["everything"])
    members: int = Field(description="How many users are members.", examples=[42])
    joined: bool = Field(description="Whether the caller is a member.", examples=[True])

    @classmethod
    def from_room(cls, room: PublicRoom) -> "PublicRoomResponse":
        """Return the response for a room."""
        return cls(id=room.id, name=room.name, topic=room.topic, members=room.member_count, joined=room.joined)


class PublicRoomsResponse(ResponseModel):
    """A page of the public rooms, by name."""

    rooms: list[PublicRoomResponse]
    next: str | None = Field(description="`cursor` of the next page; null on the last page.", examples=["garden"])
