"""The JSON bodies of `/api/users`."""

from pydantic import Field

from cloudchat.http.models import EntryId, ResponseModel


class FoundUserResponse(ResponseModel):
    """A user."""

    id: EntryId
    name: str = Field(examples=["ann"])


class FoundUsersResponse(ResponseModel):
    """A page of users, by name."""

    users: list[FoundUserResponse]
    next: str | None = Field(description="`cursor` of the next page; null on the last page.", examples=["ann"])
