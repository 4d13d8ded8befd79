"""The JSON bodies of `/api/admin/users`, `/tokens` and `/invites`. Times are RFC 3339."""

from typing import Literal

from pydantic import Field

from cloudchat.admin.invite_service import MAX_INVITE_SECONDS, MIN_INVITE_SECONDS
from cloudchat.admin.labels import MAX_LABEL_CHARACTERS
from cloudchat.admin.token_service import MIN_TOKEN_SECONDS
from cloudchat.auth.schemas import Username, UserResponse
from cloudchat.auth.tokens.kinds import MAX_API_TOKEN_SECONDS
from cloudchat.http.models import EntryId, Instant, RequestModel, ResponseModel, WholeNumber

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
        7 * 86400,
        description="The lifetime in seconds.",
        examples=[86400],
        ge=MIN_INVITE_SECONDS,
        le=MAX_INVITE_SECONDS,
    )
    label: str = Field(
        "", description="Whom the invite is for.", examples=["Ann from the choir"], max_length=MAX_LABEL_CHARACTERS
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

    token: str = Field(description=_SHOWN_ONCE, examples=["header.claims.signature"])
    id: EntryId
    expires_at: Instant


class InviteResponse(ResponseModel):
    """An invite without its secret."""

    id: EntryId
    label: str = Field(description="Whom the invite is for; may be empty.", examples=["Ann from the choir"])
    created_at: Instant
    created_by: str | None = Field(
        description="The username of the administrator; null for the command line and for a deleted user.",
        examples=["ada"],
    )
    expires_at: Instant
    used_at: Instant | None
    used_by: str | None = Field(description="The username.", examples=["ann"])


class InvitesResponse(ResponseModel):
    """All invites, newest first."""

    invites: list[InviteResponse]


class NewInviteResponse(ResponseModel):
    """A new invite."""

    invite: str = Field(description=_SHOWN_ONCE, examples=["wTfnLGqMGWzzHd6EqTUQ-Pm0cVnW4p2hYt8sRkXbJzA"])
    id: EntryId
    expires_at: Instant
