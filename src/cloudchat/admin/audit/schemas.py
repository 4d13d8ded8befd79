"""The JSON bodies of `/api/admin/audit`. Times are RFC 3339."""

from pydantic import Field

from cloudchat.http.models import EntryId, Instant, ResponseModel


class AuditEntryResponse(ResponseModel):
    """An audit entry: who did what to which target, when, from where, and whether it was done or denied."""

    id: EntryId
    at: Instant
    actor: str = Field(description="A user's id, `cli` or `server`.", examples=["cli"])
    actor_name: str | None = Field(description="The current username of the actor.", examples=["ann"])
    action: str = Field(examples=["user.disable"])
    target: str = Field(
        description="The id of a user, a room, a session or an invite; may be empty.",
        examples=["q_axJiJBBhCsk1eqY2Fzxg"],
    )
    target_name: str | None = Field(
        description="The current name of the user or the room, or the client of a session.", examples=["bob"]
    )
    address: str = Field(description="The client's address; empty for `cli` and `server`.", examples=["192.0.2.1"])
    result: str = Field(description="`done` or `refused`.", examples=["done"])
    detail: str = Field(examples=["role=admin before=member"])


class AuditResponse(ResponseModel):
    """A page of the audit log, newest first."""

    entries: list[AuditEntryResponse]
    next: EntryId | None = Field(description="`before` of the next page; null on the last page.")
