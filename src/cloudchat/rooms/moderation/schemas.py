"""The JSON bodies of `/api/rooms/{room_id}/mutes` and `/bans`. Times are RFC 3339."""

from typing import Annotated

from pydantic import Field

from cloudchat.http.models import AS_INTEGER, EntryId, Instant, RequestModel, ResponseModel
from cloudchat.rooms.moderation.service import MAX_SECONDS
from cloudchat.rooms.names import MAX_REASON_CHARACTERS


class RestrictionRequest(RequestModel):
    """A mute or a ban."""

    seconds: Annotated[int, Field(ge=1, le=MAX_SECONDS), AS_INTEGER] | None = Field(
        None, description="How long it lasts. Without it, it lasts until a moderator lifts it.", examples=[3600]
    )
    reason: str = Field(
        description="For the other moderators and the audit log.",
        examples=["advertising"],
        max_length=1024,  # the rule for texts has a better message
        json_schema_extra={"maxLength": MAX_REASON_CHARACTERS},
    )


class RestrictedUserResponse(ResponseModel):
    """A muted or banned user."""

    id: EntryId
    name: str = Field(examples=["bob"])
    until: Instant | None = Field(description="Null: until a moderator lifts it.")
    reason: str = Field(examples=["advertising"])
    created_by: str = Field(description="A user's id, or `cli`.", examples=["q_axJiJBBhCsk1eqY2Fzxg"])
    created_at: Instant


class RestrictedUsersResponse(ResponseModel):
    """A page of users, by name."""

    users: list[RestrictedUserResponse]
    next: str | None = Field(description="`cursor` of the next page; null on the last page.", examples=["bob"])
