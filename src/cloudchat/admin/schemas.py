"""The JSON bodies of `/api/admin`. Times are RFC 3339."""

from typing import Literal

from pydantic import Field

from cloudchat.admin.invite_service import MAX_INVITE_SECONDS, MIN_INVITE_SECONDS
from cloudchat.admin.token_service import MAX_LABEL_CHARACTERS, MIN_TOKEN_SECONDS
from cloudchat.auth.schemas import Username, UserResponse
from cloudchat.auth.tokens.access_tokens import MAX_API_TOKEN_SECONDS
from cloudchat.http.models import EntryId, Instant, RequestModel, ResponseModel, WholeNumber
from cloudchat.rooms.repository import ListedRoom

Role = Literal["member", "moderator", "admin"]
Scope = Literal["chat:read", "chat:write", "admin"]
_ROLE = (
    "`member`, `moderator` (moderates all public rooms) or `admin` (owns all public rooms and administers the server)."
)
_SHOWN_ONCE = "Shown only in this response."


class UserRequest(RequestModel):
    """A new account."""

    username: Username
    role: Role = Field(description=_ROLE, examples=["member"])


class UserChange(RequestModel):
    """The changes of an account. Fields that are absent or null do not change."""

    role: Role | None = Field(None, description=_ROLE, examples=["admin"])
    disabled: bool | None = Field(None, examples=[True])


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


class TokenRequest(RequestModel):
    """A new API token."""

    user: Username
    scopes: list[Scope] = Field(examples=[["chat:read", "chat:write"]], min_length=1, max_length=3)
    ttl_seconds: WholeNumber = Field(
        description="The lifetime in seconds.", examples=[86400], ge=MIN_TOKEN_SECONDS, le=MAX_API_TOKEN_SECONDS
    )
    label: str = Field(
        "", description="What the token is for.", examples=["weather bot"], max_length=MAX_LABEL_CHARACTERS
    )


class InviteRequest(RequestModel):
    """A new invite."""

    ttl_seconds: WholeNumber = Field(
        7 * 86400, description="The lifetime in seconds.", ge=MIN_INVITE_SECONDS, le=MAX_INVITE_SECONDS
    )


class AccountResponse(UserResponse):
    """An account as administrators see it."""

    disabled: bool = Field(examples=[False])
    created_at: Instant


class AccountsResponse(ResponseModel):
    """A page of accounts, oldest first."""

    users: list[AccountResponse]
    next: EntryId | None = Field(description="`after` of the next page; null on the last page.")


class OneTimePasswordResponse(ResponseModel):
    """A one-time password. With it, the user can only set a new password."""

    one_time_password: str = Field(description=_SHOWN_ONCE, examples=["abcde-fghij-kmnpq-rstuv"])


class NewAccountResponse(OneTimePasswordResponse):
    """The new account and its one-time password."""

    user: AccountResponse


class UserRef(ResponseModel):
    """A reference to a user."""

    id: EntryId
    name: str = Field(examples=["ann"])


class TokenResponse(ResponseModel):
    """An API token without its secret."""

    id: EntryId
    user: UserRef
    scopes: list[str] = Field(examples=[["chat:read"]])
    label: str = Field(examples=["weather bot"])
    created_at: Instant
    expires_at: Instant
    last_used_at: Instant | None = Field(description="With a resolution of an hour.")
    revoked_at: Instant | None


class TokensResponse(ResponseModel):
    """All API tokens, newest first."""

    tokens: list[TokenResponse]


class NewTokenResponse(ResponseModel):
    """A new API token."""

    token: str = Field(description=_SHOWN_ONCE)
    id: EntryId
    expires_at: Instant


class InviteResponse(ResponseModel):
    """An invite without its secret."""

    id: EntryId
    created_at: Instant
    expires_at: Instant
    used_at: Instant | None
    used_by: str | None = Field(description="The username.", examples=["ann"])


class InvitesResponse(ResponseModel):
    """All invites, newest first."""

    invites: list[InviteResponse]


class NewInviteResponse(ResponseModel):
    """A new invite."""

    invite: str = Field(description=_SHOWN_ONCE)
    id: EntryId
    expires_at: Instant


class AuditEntryResponse(ResponseModel):
    """An audit entry: who did what to which target, when, from where, and whether it was done or denied."""

    id: EntryId
    at: Instant
    actor: str = Field(description="A user's id, `cli` or `server`.", examples=["cli"])
    actor_name: str | None = Field(description="The current username of the actor.", examples=["ann"])
    action: str = Field(examples=["user.disable"])
    target: str = Field(description="The id of a user, a room, a session or an invite; may be empty.")
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
