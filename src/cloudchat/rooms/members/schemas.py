"""The JSON bodies of `/api/rooms/{room_id}/members`. Times are RFC 3339."""

from typing import Literal

from pydantic import Field

from cloudchat.http.models import EntryId, Instant, RequestModel, ResponseModel


class MemberRequest(RequestModel):
    """A membership."""

    role: Literal["owner", "moderator", "member", "reader"] | None = Field(
        None, description="Without it, a new member is a `member`, and a member keeps the role.", examples=["member"]
    )


class MemberResponse(ResponseModel):
    """A member of a room."""

    id: EntryId
    name: str = Field(examples=["ann"])
    role: str = Field(description="`owner`, `moderator`, `member` or `reader`.", examples=["owner"])
    joined_at: Instant


class MembersResponse(ResponseModel):
    """A page of members, by name."""

    members: list[MemberResponse]
    next: str | None = Field(description="`cursor` of the next page; null on the last page.", examples=["ann"])
